# frozen_string_literal: true

require_relative '../../puppet_x/pacewright/cli'

Puppet::Type.newtype(:pacewright_resource) do
  @doc = <<-DOC
    A resource of the Pacemaker cluster, with its group or clone and its constraints.

    All resources of a catalog that can be written at the same time are written in one commit. What is not said here
    stays as it is in the cluster. One that a service under the provider `pcs` stands for is made stopped, and started
    by the service when its config is in place on every node.

        pacewright_resource { 'neutron-api':
          agent      => 'systemd:neutron-api',
          operations => { 'monitor' => { 'interval' => '30s', 'timeout' => '60s' } },
          clone      => { 'meta' => { 'interleave' => true } },
          constraints => [
            { 'kind' => 'order', 'first' => 'rabbitmq-clone', 'then' => 'neutron-api-clone' },
          ],
        }
  DOC

  newproperty(:ensure) do
    desc 'Whether the cluster has it, as it is described here.'

    newvalue(:present) { provider.apply }
    newvalue(:absent) { provider.apply }
    defaultto :present

    def retrieve
      provider.state
    end

    def change_to_s(_current, _wanted)
      provider.changes_to_s
    end
  end

  newparam(:name, namevar: true) do
    desc 'The id of the primitive.'
  end

  newparam(:agent) do
    desc 'What runs it: `systemd:UNIT`, `ocf:PROVIDER:TYPE`, ... It cannot be changed later.'
  end

  newparam(:parameters) do
    desc 'Its instance attributes, by name; undef for one that shall not be there.'
  end

  newparam(:operations) do
    desc 'Its operations by name, each a hash of attributes, or a list of such hashes where roles differ.'
  end

  newparam(:meta) do
    desc 'Its meta attributes, by name; undef for one that shall not be there.'
  end

  newparam(:clone) do
    desc 'A clone around it, or around its group: true, or a hash with `meta` and `id`.'
  end

  newparam(:promotable, boolean: true, parent: Puppet::Parameter::Boolean) do
    desc 'Whether that clone is promotable.'
  end

  newparam(:group) do
    desc 'The id of the group that it is a member of.'
  end

  newparam(:group_meta) do
    desc 'The meta attributes of that group.'
  end

  newparam(:constraints) do
    desc 'Constraints that come with it: hashes with `kind` (order, colocation or location) and what that needs.'
    munge { |value| value.is_a?(Array) ? value : [value] }
  end

  newparam(:stopped, boolean: true, parent: Puppet::Parameter::Boolean) do
    desc 'Whether it is made stopped. By default if a service of this catalog under the provider `pcs` starts it.'
  end

  validate do
    raise Puppet::Error, "#{ref}: `agent` is missing." if self[:agent].nil? && self[:ensure] != :absent
  end

  autorequire(:package) { ['pacewright'] }

  autobefore(:service) { services.map(&:title) }

  # The services of the catalog, under the provider `pcs`, that stand for this resource.
  def services
    names = [self[:name], self[:agent].to_s[%r{\A(?:systemd|service|lsb):(.+)\z}, 1], self[:group]].compact
    catalog.resources.select do |other|
      other.type == :service && other.provider&.class&.name == :pcs && names.include?(other[:name].delete_suffix('.service'))
    end
  end

  # What `pacewright resource apply` is told about it.
  def document
    return { 'id' => self[:name], 'ensure' => 'absent' } if self[:ensure] == :absent

    said = [:agent, :parameters, :operations, :meta, :clone, :promotable, :group, :group_meta].map { |key| [key.to_s, self[key]] }.to_h
    stopped = self[:stopped].nil? ? services.any? : self[:stopped]
    said.compact.merge('id' => self[:name], 'stopped' => stopped)
  end

  # The ids under which the cluster's answer may speak of it.
  def ids
    inner = self[:group] || self[:name]
    clone = self[:clone].is_a?(Hash) ? self[:clone]['id'] : nil
    [self[:name], self[:group], clone || "#{inner}-clone"].compact
  end
end
