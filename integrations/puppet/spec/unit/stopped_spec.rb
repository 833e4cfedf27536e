# frozen_string_literal: true

require 'spec_helper'

describe 'the type pacewright_stopped' do
  # A provider of packages of which one version is installed.
  before do
    installed = @installed = { 'neutron-api' => '1' }
    provider = Puppet::Type.type(:package).provide(:spec_packages) do
      has_feature :versionable, :upgradeable
      define_method(:properties) { { name: resource[:name], ensure: installed.fetch(resource[:name], :absent) } }
      define_method(:install) { installed[resource[:name]] = resource.should(:ensure) }
      define_method(:update) { install }
      define_method(:latest) { '3' }
    end
    Puppet::Type.type(:package).defaultprovider = provider
    @program.answers('service stop', outcome('neutron-api: stopped.'))
    @program.answers('service start', outcome('neutron-api: started.'))
    @program.answers('service status', told(cluster_service('neutron-api')))
  end

  after do
    Puppet::Type.type(:package).defaultprovider = nil
    Puppet::Type.type(:package).unprovide(:spec_packages)
  end

  def upgrade(version, **more)
    more = { packages: "['neutron-api']" }.merge(more)
    said = more.map { |key, value| "#{key} => #{value}," }.join("\n")
    apply(<<~PP)
      pacewright_stopped { 'neutron':
        services => ['neutron-api'],
        before   => Package['neutron-api'],
        #{said}
      }
      package { 'neutron-api': ensure => '#{version}' }
    PP
  end

  it 'does nothing while the packages are as they should be' do
    _, statuses = upgrade('1')
    expect(@program.calls).to be_empty
    expect(statuses.values.select(&:changed)).to be_empty
  end

  it 'stops the services, under the wave, before the package is upgraded' do
    logs, = upgrade('2', wave: "'w2'")
    expect(@program.calls('service stop')).to eq(['service stop --json --wave w2 -- neutron-api'])
    expect(logs.grep(%r{stopped neutron-api for neutron-api \(wave w2\)|Package}).first).to match(%r{Pacewright_stopped\[neutron\]/ensure: stopped})
    expect(@installed).to eq('neutron-api' => '2')
  end

  it 'says so where a node that comes late finds nothing to stop any more' do
    @program.answers('service stop', outcome('neutron-api: has been stopped and started for w2 already.', changed: false))
    logs, = upgrade('2', wave: "'w2'")
    expect(logs).to include(match(%r{/ensure: nothing to stop for neutron-api \(wave w2\)}))
  end

  it 'takes wanted versions by name as well' do
    upgrade('1', packages: "{ 'neutron-api' => '2' }", wave: "'w'")
    expect(@program.calls('service stop').length).to eq(1)
  end

  it 'has a wave of its own for each set of versions, the same before and after the upgrade' do
    waves = ['2', '2', '4'].map do |version|
      upgrade(version)
      @installed['neutron-api'] = '1'
      @program.calls('service stop').last[%r{--wave (\h{16}) }, 1]
    end
    expect(waves[0]).to eq(waves[1])
    expect(waves[0]).not_to eq(waves[2])
  end

  it 'hands its wave to the start of its services' do
    @program.answers('service status', told(cluster_service('neutron-api', here: 'stopped')))
    apply(<<~PP)
      pacewright_stopped { 'neutron': services => ['neutron-api'], packages => { 'neutron-api' => '1' }, wave => 'w1' }
      service { 'neutron-api': ensure => running, provider => pcs }
    PP
    expect(@program.calls('service start')).to eq(['service start --json --barrier --wave w1 -- neutron-api'])
  end

  it 'hands the same wave to stop and start where nobody has named one' do
    @program.answers('service status', told(cluster_service('neutron-api', here: 'stopped')))
    apply(<<~PP)
      pacewright_stopped { 'neutron': services => ['neutron-api'], packages => ['neutron-api'], before => Package['neutron-api'] }
      package { 'neutron-api': ensure => latest } -> service { 'neutron-api': ensure => running, provider => pcs }
    PP
    waves = @program.calls.map { |call| call[%r{--wave (\S+)}, 1] }.compact
    expect(waves.length).to eq(2)
    expect(waves.uniq.length).to eq(1)
  end

  it 'leaves alone what the cluster does not have yet' do
    @program.answers('service status', told({ 'name' => 'neutron-api', 'provider' => 'systemd' }))
    upgrade('2')
    expect(@program.calls('service stop')).to be_empty
    expect(@installed).to eq('neutron-api' => '2')
  end

  it 'does not let the upgrade go on if the services could not be stopped' do
    @program.answers('service stop', '', code: 6, err: "pacewright: the cluster has no quorum.\n")
    logs, statuses = upgrade('2')
    expect(logs).to include(match(%r{Pacewright_stopped\[neutron\]/ensure: change from 'due' to 'stopped' failed: the cluster has no quorum}))
    expect(statuses['Package[neutron-api]'].skipped).to be(true)
    expect(@installed).to eq('neutron-api' => '1')
  end

  it 'refuses a wave that the program would refuse' do
    expect { catalog("pacewright_stopped { 'x': services => ['a'], packages => {}, wave => 'a b' }") }.to raise_error(Puppet::Error, %r{letters, digits})
  end
end
