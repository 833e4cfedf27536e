# frozen_string_literal: true

require 'spec_helper'

describe 'pacewright', type: :class do
  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_package('pacewright').with_ensure('installed') }
  it { is_expected.to contain_file('/etc/needrestart/conf.d/pacewright.conf').that_requires('Package[pacewright]') }
  it { is_expected.to contain_exec('pacewright: policy-rc.d').that_requires('Package[pacewright]') }

  it 'writes services.yaml, after the program is there to judge it' do
    is_expected.to contain_file('/etc/pacewright/services.yaml').with_content(%r{^services: \{\}$}).that_requires('Package[pacewright]')
  end

  context 'with services and resources' do
    let(:params) do
      {
        services: { 'web' => { 'config' => ['/etc/web'], 'barrier' => { 'timeout' => 60 } } },
        resources: { 'vip' => { 'agent' => 'ocf:heartbeat:IPaddr2', 'parameters' => { 'ip' => '10.0.0.1' } } },
      }
    end

    it { is_expected.to contain_pacewright_resource('vip').with_agent('ocf:heartbeat:IPaddr2').that_requires('Package[pacewright]') }

    it 'writes what Hiera says as YAML' do
      content = catalogue.resource('file', '/etc/pacewright/services.yaml')[:content]
      expect(YAML.safe_load(content)).to eq('services' => params[:services])
    end
  end

  context 'with everything that it need not do switched off' do
    let(:params) { { manage_package: false, manage_services: false, guard: false } }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.not_to contain_package('pacewright') }
    it { is_expected.to have_file_resource_count(0) }
    it { is_expected.to have_exec_resource_count(0) }
  end

  context 'with a package file' do
    let(:params) { { package_source: '/root/pacewright.deb', package_provider: 'dpkg', package_ensure: '0.1.0' } }

    it { is_expected.to contain_package('pacewright').with(source: '/root/pacewright.deb', provider: 'dpkg', ensure: '0.1.0') }
  end
end
