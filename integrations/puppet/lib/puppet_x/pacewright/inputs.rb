# frozen_string_literal: true

module PuppetX
  module Pacewright
    # A service's config inputs, as the catalog has them: which files on this node it is to be restarted for.
    #
    # Those are the files behind every resource whose change Puppet would refresh the service for, whatever lies between
    # (anchors, classes, defines), and behind those that the service itself requires. What is merely ordered before it,
    # such as the whole of another module's class, is not an input.
    module Inputs
      # Types whose `path` is a file that they write.
      WITH_PATH = [:file, :concat_file, :file_line, :ini_setting, :ini_subsetting].freeze
      # What dpkg knows of a package's content; another version is other content.
      DPKG = '/var/lib/dpkg/info'

      module_function

      # @param service [Puppet::Type] the service
      # @return [Array<String>] absolute paths, sorted
      def of(service)
        catalog = service.catalog
        return [] unless catalog

        graph = catalog.relationship_graph
        upstream(graph, service).flat_map { |resource| paths(resource) }.uniq.sort
      end

      def upstream(graph, service)
        seen = {}
        waiting = sources(graph, service) { |_edge| true }
        until waiting.empty?
          resource = waiting.pop
          next if seen[resource] || resource.is_a?(service.class)

          seen[resource] = true
          waiting.concat(sources(graph, resource, &:callback))
        end
        seen.keys
      end

      def sources(graph, resource, &wanted)
        graph.adjacent(resource, direction: :in, type: :edges).select(&wanted).map(&:source)
      end

      def paths(resource)
        type = resource.class.name
        return packaged(resource) if type == :package
        return [] if type == :file && directory?(resource)

        path = resource[:path] if WITH_PATH.include?(type)
        path ||= file_path(resource)
        path.to_s.start_with?('/') ? [path.to_s] : []
      end

      # A directory whose content Puppet does not manage is a place, not a config.
      def directory?(resource)
        resource.should(:ensure) == :directory && !resource[:recurse]
      end

      # How the providers of inifile and openstacklib tell which file their settings are in.
      def file_path(resource)
        [resource.provider, resource.provider.class].find { |owner| owner.respond_to?(:file_path) }&.file_path
      rescue StandardError => e
        Puppet.debug("#{resource.ref}: it is not known which file it writes: #{e.message}")
        nil
      end

      def packaged(resource)
        Dir.glob("#{DPKG}/#{resource[:name]}{,:*}.md5sums")
      end
    end
  end
end
