# frozen_string_literal: true

require 'spec_helper'

describe 'the type pacewright_resource' do
  # What `pacewright resource apply --json` tells: these changes, and each a dash of what, from and to.
  def changes(*all)
    { 'changed' => all.any?, 'message' => 'written.', 'changes' => all.map { |resource, what, from, to| { 'resource' => resource, 'what' => what, 'from' => from, 'to' => to } } }
  end

  def resources_of(call)
    call['resources'].map { |resource| resource['id'] }
  end

  def applied
    @program.calls('resource apply')
  end

  let(:two) do
    <<~PP
      pacewright_resource { 'vip': agent => 'ocf:heartbeat:IPaddr2', parameters => { 'ip' => '10.0.0.1', 'nic' => undef } }
      pacewright_resource { 'web':
        agent       => 'systemd:web',
        operations  => { 'monitor' => { 'interval' => '30s' } },
        clone       => { 'meta' => { 'interleave' => true } },
        constraints => [{ 'kind' => 'order', 'first' => 'vip', 'then' => 'web-clone' }],
      }
    PP
  end

  it 'asks once, with everything, and changes nothing when nothing differs' do
    @program.answers('resource apply', changes)
    _, statuses = apply(two)
    expect(applied).to eq(['resource apply --json --plan -'])
    expect(@program.input).to eq(
      'resources' => [
        { 'id' => 'vip', 'agent' => 'ocf:heartbeat:IPaddr2', 'parameters' => { 'ip' => '10.0.0.1', 'nic' => nil }, 'stopped' => false },
        { 'id' => 'web', 'agent' => 'systemd:web', 'operations' => { 'monitor' => { 'interval' => '30s' } }, 'clone' => { 'meta' => { 'interleave' => true } }, 'stopped' => false },
      ],
      'constraints' => [{ 'kind' => 'order', 'first' => 'vip', 'then' => 'web-clone' }]
    )
    expect(statuses.values.select(&:changed)).to be_empty
  end

  it 'writes all of them in one commit, and reports each' do
    @program.answers('resource apply', changes(['vip', 'primitive', nil, 'ocf:heartbeat:IPaddr2'], ['web', 'parameters.port', '80', '81'], ['web-clone', 'meta.interleave', nil, 'true']))
    logs, = apply(two)
    expect(applied).to eq(['resource apply --json --plan -', 'resource apply --json --wait -'])
    expect(resources_of(@program.input)).to eq(['vip', 'web'])
    expect(logs).to include(
      match(%r{Pacewright_resource\[vip\]/ensure: created \(ocf:heartbeat:IPaddr2\)}),
      match(%r{Pacewright_resource\[web\]/ensure: web: parameters.port: "80" -> "81", web-clone: meta.interleave: nil -> "true"})
    )
  end

  it 'does not take the credit for what another node has written meanwhile' do
    @program.answers('resource apply', changes(['vip', 'primitive', nil, 'x']).merge('changed' => false))
    logs, = apply(two)
    expect(logs).to include(match(%r{Pacewright_resource\[vip\]/ensure: created \(ocf:heartbeat:IPaddr2\); written by another node meanwhile}))
  end

  it 'only tells with noop' do
    @program.answers('resource apply', changes(['vip', 'primitive', nil, 'ocf:heartbeat:IPaddr2']))
    logs, = apply(two, noop: true)
    expect(applied).to eq(['resource apply --json --plan -'])
    expect(logs).to include(match(%r{Pacewright_resource\[vip\]/ensure: current_value 'absent', should be 'present' \(noop\)}))
  end

  it 'leaves out what is noop by itself' do
    @program.answers('resource apply', changes(['vip', 'primitive', nil, 'x'], ['web', 'primitive', nil, 'y']))
    apply("#{two} Pacewright_resource <| title == 'web' |> { noop => true }")
    expect(applied.length).to eq(2)
    expect(resources_of(@program.input)).to eq(['vip'])
  end

  it 'does not write what still waits for something else' do
    @program.answers('resource apply', changes(['vip', 'primitive', nil, 'x'], ['web', 'primitive', nil, 'y']))
    apply("#{two} exec { '/bin/false': } -> Pacewright_resource['web'] Pacewright_resource['vip'] -> Exec['/bin/false']")
    expect(applied.length).to eq(2)
    expect(resources_of(@program.input)).to eq(['vip'])
  end

  it 'makes one that a service of the catalog starts stopped' do
    @program.answers('resource apply', changes)
    @program.answers('service status', told(cluster_service('neutron-api')))
    apply(<<~PP)
      pacewright_resource { 'api': agent => 'systemd:neutron-api' }
      service { 'neutron-server': name => 'neutron-api', ensure => running, provider => pcs }
      pacewright_resource { 'other': agent => 'systemd:other' }
    PP
    expect(@program.input).to include('neutron-api' => []).or include('resources')
    document = JSON.parse(File.read("#{@folder}/resource.input"))
    expect(document['resources'].map { |resource| [resource['id'], resource['stopped']] }).to eq([['api', true], ['other', false]])
  end

  it 'comes before the service that stands for it, which then asks the cluster anew' do
    @program.answers('resource apply', changes(['web', 'primitive', nil, 'systemd:web']))
    @program.answers('service status', told(cluster_service('web'), cluster_service('db')))
    apply(<<~PP)
      service { 'db': ensure => running, provider => pcs }
      -> notify { 'later': }
      -> pacewright_resource { 'web': agent => 'systemd:web' }
      service { 'web': ensure => running, provider => pcs }
    PP
    expect(@program.calls.map { |call| call.split.first(2).join(' ') }).to eq(['service status', 'resource apply', 'resource apply', 'service status'])
  end

  it 'asks and writes alone what cannot be asked for together' do
    File.write("#{@folder}/pacewright", <<~SH)
      #!/bin/sh
      printf '%s\\n' "$*" >>#{@folder}/calls
      input=$(cat)
      case $input in *bad*) echo 'pacewright: bad: this node has no agent x:y.' >&2; exit 2 ;; esac
      echo '{"changed": true, "message": "written.", "changes": [{"resource": "vip", "what": "primitive", "from": null, "to": "x"}]}'
    SH
    logs, statuses = apply("pacewright_resource { 'vip': agent => 'ocf:heartbeat:IPaddr2' } pacewright_resource { 'bad': agent => 'systemd:y' }")
    expect(statuses['Pacewright_resource[vip]'].changed).to be(true)
    expect(statuses['Pacewright_resource[bad]'].failed).to be(true)
    expect(logs).to include(match(%r{Pacewright_resource\[bad\]: Could not evaluate: bad: this node has no agent}))
  end

  it 'removes' do
    @program.answers('resource apply', changes(['old', 'primitive', 'systemd:old', nil]))
    logs, = apply("pacewright_resource { 'old': ensure => absent }")
    expect(@program.input['resources']).to eq([{ 'id' => 'old', 'ensure' => 'absent' }])
    expect(logs).to include(match(%r{Pacewright_resource\[old\]/ensure: removed}))
  end

  it 'needs an agent' do
    expect { catalog("pacewright_resource { 'x': }") }.to raise_error(Puppet::Error, %r{`agent` is missing})
  end
end
