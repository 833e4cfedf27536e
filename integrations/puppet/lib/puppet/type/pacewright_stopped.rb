# frozen_string_literal: true

require 'digest'
require_relative '../../puppet_x/pacewright/cli'

Puppet::Type.newtype(:pacewright_stopped) do
  @doc = <<-DOC
    Services of the cluster that have to be stopped everywhere while their packages are upgraded.

    As long as a package is not as the catalog wants it on this node, the services are stopped through the cluster, once
    for all nodes. They start again by their own `service` resources, when every node is upgraded. Both belong together by
    the wave: a node that comes late does not stop again what that wave has started.

        pacewright_stopped { 'neutron':
          services => ['neutron-api', 'neutron-rpc-server'],
          packages => ['neutron-common', 'neutron-api', 'neutron-rpc-server'],
          before   => Anchor['neutron::install::begin'],
        }
  DOC

  newproperty(:ensure) do
    desc 'Only `stopped`: stopped while a package is due, and nothing to do otherwise.'

    newvalue(:stopped) { resource.stop }
    defaultto :stopped

    def retrieve
      resource.due.empty? ? :stopped : :due
    end

    def change_to_s(_current, _wanted)
      "#{resource.stopped.empty? ? 'nothing to stop' : "stopped #{resource.stopped.join(', ')}"} for #{resource.due.join(', ')} (wave #{resource.wave})"
    end
  end

  newparam(:name, namevar: true) do
    desc 'Any name.'
  end

  newparam(:services, array_matching: :all) do
    desc 'The services to stop, in this order.'
    munge { |value| [value].flatten }
  end

  newparam(:packages) do
    desc 'Titles of package resources of this catalog; or a hash of package names and wanted versions.'
    munge { |value| value.is_a?(Hash) ? value : [value].flatten }
  end

  newparam(:wave) do
    desc 'What identifies this upgrade on every node. By default a digest of the packages and their wanted versions.'
    validate do |value|
      raise ArgumentError, "#{value.inspect}: letters, digits and : _ . + ~ -, at most 64" unless value.to_s.match?(%r{\A[\w:.+~-]{1,64}\z})
    end
  end

  validate do
    raise Puppet::Error, "#{ref}: `services` and `packages` have to be said." unless self[:services] && self[:packages]
  end

  # Identifies the upgrade.
  def wave
    self[:wave] || Digest::SHA256.hexdigest(wanted.map { |name, version| "#{name}=#{version}\n" }.sort.join)[0, 16]
  end

  # The packages that are not as they should be.
  def due
    package_resources.reject { |package| package.property(:ensure).safe_insync?(package.retrieve[:ensure]) }.map { |package| package[:name] }
  end

  # What this run has stopped.
  def stopped
    @stopped ||= []
  end

  # Stops those services that the cluster has; on a first deployment, it has none of them yet.
  def stop
    found = PuppetX::Pacewright::Cli.status(self[:services].map { |name| [name, []] }.to_h)['services']
    found.each do |service|
      next unless service['provider'] == 'cluster'
      raise Puppet::Error, service['error'] if service['error']

      outcome = PuppetX::Pacewright::Cli.change('service', 'stop', '--json', '--wave', wave, '--', service['name'])
      notice(outcome['message'])
      stopped << service['name'] if outcome['changed']
    end
    Puppet::Type.type(:service).provider(:pcs)&.forget
  end

  private

  def wanted
    package_resources.map { |package| [package[:name], package.should(:ensure) == :latest ? package.provider.latest : package.should(:ensure)] }
  end

  def package_resources
    return self[:packages].map { |name, version| Puppet::Type.type(:package).new(name: name, ensure: version) } if self[:packages].is_a?(Hash)

    self[:packages].map { |title| catalog.resource(:package, title) || raise(Puppet::Error, "#{ref}: the catalog has no Package[#{title}].") }
  end
end
