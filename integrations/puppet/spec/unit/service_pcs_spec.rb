# frozen_string_literal: true

require 'spec_helper'

describe 'the provider pcs' do
  let(:web) { "service { 'web': ensure => running, enable => true, provider => pcs }" }
  let(:changed) { "file { '#{@folder}/web.conf': content => 'new' } ~> Service['web']\n#{web}" }

  def about_web(**more)
    @program.answers('service status', told(cluster_service('web', config: ["#{@folder}/web.conf"], **more)))
  end

  it 'asks once for all services, with the inputs of each, and changes nothing when nothing is to be done' do
    @program.answers('service status', told(cluster_service('web'), cluster_service('db')))
    File.write("#{@folder}/web.conf", 'new')
    _, statuses = apply("#{changed}\nservice { 'db': ensure => running, provider => pcs }")
    expect(@program.calls).to eq(['service status --json --inputs - -- web db'])
    expect(@program.input).to eq('web' => ["#{@folder}/web.conf"], 'db' => [])
    expect(statuses.values.select(&:changed)).to be_empty
  end

  it 'refreshes when its config has changed in this run, and tells what came of it' do
    about_web
    @program.answers('service refresh', outcome('web: restarted on n1, n2.', led: true, notes: ['n3 is offline']))
    logs, = apply(changed)
    expect(@program.calls('service refresh')).to contain_exactly(match(%r{\Aservice refresh --json --barrier --input #{@folder}/web.conf --since \d{10}\.\d+ -- web\z}))
    expect(logs).to include(
      '/Stage[main]/Main/Service[web]: web: restarted on n1, n2. (committed from this node)',
      '/Stage[main]/Main/Service[web]: n3 is offline'
    )
  end

  it 'shows a restart that an earlier run owes, and has it done' do
    about_web(owed: [{ 'node' => 'n1', 'since' => 1.0, 'reason' => 'its config has changed', 'hindrance' => nil }])
    @program.answers('service refresh', outcome('web: restarted on n1.'))
    logs, = apply(web)
    expect(@program.calls.grep_v(%r{status})).to eq(["service refresh --json --barrier --input #{@folder}/web.conf -- web"])
    expect(logs).to include("/Stage[main]/Main/Service[web]/ensure: ensure changed 'owed' to 'running'")
  end

  it 'only shows it with noop' do
    about_web(owed: [{ 'node' => 'n1', 'since' => 1.0, 'reason' => 'its config has changed', 'hindrance' => nil }])
    logs, = apply(changed, noop: true)
    expect(@program.calls).to eq(['service status --json --inputs - -- web'])
    expect(logs).to include("/Stage[main]/Main/Service[web]/ensure: current_value 'owed', should be 'running' (noop)")
  end

  it 'refreshes a service whose state Puppet does not manage, whatever is owed' do
    about_web(owed: [{ 'node' => 'n1', 'since' => 1.0, 'reason' => 'x', 'hindrance' => nil }])
    @program.answers('service refresh', outcome('web: restarted on n1.'))
    apply("file { '#{@folder}/web.conf': content => 'new' } ~> service { 'web': provider => pcs }")
    expect(@program.calls('service refresh').length).to eq(1)
  end

  it 'leaves to other nodes what is owed there' do
    about_web(owed: [{ 'node' => 'n2', 'since' => 1.0, 'reason' => 'its config has changed', 'hindrance' => nil }])
    apply(web)
    expect(@program.calls.length).to eq(1)
  end

  it 'warns of what is owed and cannot be done now, and goes on' do
    about_web(owed: [{ 'node' => 'n1', 'since' => 1.0, 'reason' => 'x', 'hindrance' => nil }], hindrance: 'the cluster is in maintenance mode')
    logs, statuses = apply("#{web} -> notify { 'after': }")
    expect(@program.calls.length).to eq(1)
    expect(logs).to include(match(%r{Service\[web\]: a restart is owed and cannot be done now \(the cluster is in maintenance mode\): x}))
    expect(statuses['Notify[after]'].skipped).to be(false)
  end

  ['stopped', 'failed', 'changing'].each do |state|
    it "starts a service that is #{state}, behind the barrier, and makes sure of its config" do
      about_web(here: state)
      @program.answers('service start', outcome('web: started.'))
      @program.answers('service refresh', outcome('web: nothing was restarted.', changed: false))
      logs, = apply(changed)
      expect(@program.calls.grep_v(%r{status})).to eq(
        ["service start --json --barrier --input #{@folder}/web.conf -- web", "service refresh --json --barrier --input #{@folder}/web.conf -- web"]
      )
      expect(logs).to include("/Stage[main]/Main/Service[web]/ensure: ensure changed '#{state}' to 'running'")
      expect(logs).not_to include(match(%r{Triggered 'refresh'}))
    end
  end

  it 'does not claim a restart of what could not be started' do
    about_web(here: 'stopped')
    @program.answers('service start', '', code: 7, err: "pacewright: web: not started: n2 did not report its config within 300 s.\n")
    logs, statuses = apply(changed)
    expect(statuses['Service[web]'].failed).to be(true)
    expect(logs).to include(match(%r{change from 'stopped' to 'running' failed: web: not started: n2 did not report}))
    expect(logs).not_to include(match(%r{Triggered 'refresh'}))
    expect(statuses['Service[web]'].restarted).not_to be(true)
  end

  it 'does not refresh what it has started, if nobody knows its config' do
    @program.answers('service status', told(cluster_service('web', here: 'stopped')))
    @program.answers('service start', outcome('web: started.'))
    apply(web)
    expect(@program.calls.grep_v(%r{status})).to eq(['service start --json --barrier -- web'])
  end

  it 'stops through the cluster' do
    about_web
    @program.answers('service stop', outcome('web: stopped.'))
    apply("service { 'web': ensure => stopped, provider => pcs }")
    expect(@program.calls('service stop')).to eq(['service stop --json -- web'])
  end

  it 'passes a time-out on only if the catalog says one' do
    about_web(here: 'stopped')
    @program.answers('service start', outcome('web: started.'))
    @program.answers('service refresh', outcome('', changed: false))
    apply("service { 'web': ensure => running, provider => pcs, timeout => 77 }")
    expect(@program.calls('service start')).to eq(["service start --json --barrier --input #{@folder}/web.conf --timeout 77 -- web"])
  end

  it 'keeps systemd from starting at boot what the cluster starts, whatever `enable` says' do
    File.write("#{@folder}/systemctl", "#!/bin/sh\necho \"$*\" >>#{@folder}/systemctl.calls\n")
    File.chmod(0o755, "#{@folder}/systemctl")
    about_web(at_boot: ['web.service'])
    apply(web)
    apply("service { 'web': enable => false, provider => pcs }")
    expect(File.readlines("#{@folder}/systemctl.calls", chomp: true)).to eq(['disable -- web.service'] * 2)
    expect(@program.calls.grep_v(%r{status})).to be_empty
  end

  it 'has nothing against `enable => false`' do
    about_web
    _, statuses = apply("service { 'web': enable => false, provider => pcs }")
    expect(statuses['Service[web]'].changed).to be(false)
  end

  context 'with a service that the cluster does not know' do
    # A provider of the platform that notes what it is asked for.
    let(:native) do
      calls = @native_calls = []
      Puppet::Type.type(:service).provide(:spec_native) do
        define_method(:status) { :running }
        define_method(:enabled?) { :true }
        [:start, :stop, :restart, :enable, :disable].each { |verb| define_method(verb) { calls << verb } }
      end
    end

    before { Puppet::Type.type(:service).defaultprovider = native }

    after do
      Puppet::Type.type(:service).defaultprovider = nil
      Puppet::Type.type(:service).unprovide(:spec_native)
    end

    ['systemd', 'unknown'].each do |whose|
      it "leaves it to the platform's own provider (#{whose})" do
        @program.answers('service status', told({ 'name' => 'web', 'provider' => whose, 'error' => 'x' }))
        apply(changed)
        apply("service { 'web': ensure => stopped, enable => false, provider => pcs }")
        expect(@native_calls).to eq([:restart, :stop, :disable])
        expect(@program.calls.grep_v(%r{status})).to be_empty
      end
    end
  end

  context 'when something is wrong' do
    let(:manifest) { "#{changed}\nservice { 'db': ensure => running, provider => pcs }\nnotify { 'the rest': }" }

    it 'fails only the service that the cluster cannot tell about' do
      @program.answers('service status', told({ 'name' => 'web', 'provider' => 'cluster', 'error' => 'the cluster is not running here.' }, cluster_service('db')), code: 6)
      logs, statuses = apply(manifest)
      expect(logs).to include('/Stage[main]/Main/Service[web]: Could not evaluate: the cluster is not running here.')
      expect(statuses.select { |_, status| status.failed }.keys).to eq(['Service[web]'])
    end

    {
      'is broken' => ['#!/bin/sh', 'echo "Traceback: no module named pacewright" >&2', 'exit 1'],
      'prints something else' => ['#!/bin/sh', 'echo hello'],
      'is killed' => ['#!/bin/sh', 'kill -9 $$'],
    }.each do |how, script|
      it "fails its services, clearly, and nothing else, if the program #{how}" do
        File.write("#{@folder}/pacewright", "#{script.join("\n")}\n")
        logs, statuses = apply(manifest)
        expect(statuses.select { |_, status| status.failed }.keys).to contain_exactly('Service[web]', 'Service[db]')
        expect(statuses['Notify[the rest]'].changed).to be(true)
        expect(logs.grep(%r{Could not evaluate: (Traceback|`pacewright service status`)}).length).to eq(2)
      end
    end

    it 'says who installs the program if it is missing' do
      File.delete("#{@folder}/pacewright")
      logs, statuses = apply(manifest)
      expect(statuses['Notify[the rest]'].changed).to be(true)
      expect(logs).to include(match(%r{Service\[web\]: Could not evaluate: the program `pacewright` is not installed}))
    end

    it 'asks again if the program came with this run' do
      File.rename("#{@folder}/pacewright", "#{@folder}/later")
      @program.answers('service status', told(cluster_service('web')))
      logs, statuses = apply(<<~PP)
        service { 'db': ensure => running, provider => pcs }
        exec { '/bin/mv #{@folder}/later #{@folder}/pacewright': } -> Service['web']
        #{web}
      PP
      expect(logs.grep(%r{not installed}).length).to be >= 1
      expect(statuses['Service[web]'].failed).to be(false)
    end
  end
end
