# frozen_string_literal: true

require_relative '../../../puppet_x/pacewright/cli'

Puppet::Type.type(:pacewright_resource).provide(:cluster) do
  desc 'Writes resources into the cluster by `pacewright resource apply`.'

  attr_accessor :changes
  # What came of writing it: :here, or :elsewhere if another node was faster.
  attr_accessor :written

  # What differs for all resources of a catalog, by one question. Where there is no answer for all of them, each asks for
  # itself.
  def self.prefetch(resources)
    @all = resources.values
    changes = plan(@all)
    known = @all.flat_map(&:ids)
    others = changes.any? { |change| !known.include?(change['resource']) }
    @all.each do |resource|
      next if others && resource[:constraints] # one of those may be its own

      resource.provider.changes = changes.select { |change| resource.ids.include?(change['resource']) }
    end
  rescue StandardError => e
    Puppet.debug("pacewright_resource: asked one by one: #{e.message}")
  end

  def self.plan(resources)
    PuppetX::Pacewright::Cli.apply(document(resources), '--plan')['changes']
  end

  def self.document(resources)
    { 'resources' => resources.map(&:document), 'constraints' => resources.flat_map { |resource| resource[:constraints] || [] } }
  end

  # The resources of the catalog that may be written when this one is: those that need nothing which this one does not.
  # So whatever they need has been done and has not failed.
  def self.together_with(resource)
    return [resource] unless Puppet[:tags].empty? && Puppet[:skip_tags].empty?

    graph = resource.catalog.relationship_graph
    done = graph.dependencies(resource)
    [resource] | (@all || []).select do |other|
      !other.noop? && other[:schedule].nil? && (graph.dependencies(other) - done).all? { |needed| @all.include?(needed) && !needed.noop? }
    end
  end

  # `present` or `absent` if it is as it should be; `different` if it is there and otherwise.
  def state
    wanted = resource.should(:ensure)
    self.changes ||= self.class.plan([resource])
    return wanted if changes.empty?
    return :present if wanted == :absent

    changes.any? { |change| change['what'] == 'primitive' && change['from'].nil? } ? :absent : :different
  end

  def apply
    write(self.class.together_with(resource)) unless written
  end

  def changes_to_s
    created = changes.find { |change| change['what'] == 'primitive' }
    told = created['from'].nil? ? "created (#{resource[:agent]})" : 'removed' if created
    told ||= changes.map { |change| "#{change['resource']}: #{change['what']}: #{change['from'].inspect} -> #{change['to'].inspect}" }.join(', ')
    written == :elsewhere ? "#{told}; written by another node meanwhile" : told
  end

  private

  def write(resources)
    answer = PuppetX::Pacewright::Cli.apply(self.class.document(resources), '--wait')
    resources.each { |one| one.provider.written = answer['changed'] ? :here : :elsewhere }
    Puppet::Type.type(:service).provider(:pcs)&.forget
    resource.info("one commit for #{resources.map { |one| one[:name] }.join(', ')}") if answer['changed']
  rescue Puppet::Error
    raise if resources.one?

    write([resource]) # what is wrong may be with another one, which will say so itself
  end
end
