# frozen_string_literal: true

require 'spec_helper'

describe 'the config inputs of a service' do
  def inputs(manifest, service = 'web')
    ral = catalog(manifest)
    PuppetX::Pacewright::Inputs.of(ral.resource(:service, service))
  end

  before { Puppet::Type.type(:service).provider(:pcs) }

  it 'are the files that notify it' do
    expect(inputs("file { '/etc/a': } ~> service { 'web': } file { '/etc/b': notify => Service['web'] } file { '/etc/c': }")).to eq(['/etc/a', '/etc/b'])
  end

  it 'are the files that it requires' do
    expect(inputs("file { '/etc/a': } service { 'web': require => File['/etc/a'] } file { '/etc/b': before => Service['web'] }")).to eq(['/etc/a', '/etc/b'])
  end

  it 'are the files of classes and defines that notify it or that it requires' do
    expect(inputs(<<~PP)).to eq(['/etc/a', '/etc/b', '/etc/inner'])
      class inner { file { '/etc/inner': } }
      class conf { contain inner file { '/etc/a': } }
      define web::setting { file { $title: } }
      class web { service { 'web': require => Web::Setting['/etc/b'] } }
      include conf
      include web
      web::setting { '/etc/b': }
      web::setting { '/etc/c': }
      Class['conf'] ~> Class['web']
    PP
  end

  it 'are behind anchors, as puppet-neutron chains them' do
    expect(inputs(<<~PP)).to eq(['/etc/web/web.conf'])
      whit { ['install::end', 'config::begin', 'config::end', 'service::begin']: }
      file { '/opt/tool': } ~> whit { 'tool::end': } -> Whit['install::end']
      Whit['install::end'] -> Whit['config::begin'] -> File['/etc/web/web.conf'] ~> Whit['config::end'] ~> Whit['service::begin'] ~> Service['web']
      file { '/etc/web/web.conf': }
      service { 'web': }
    PP
  end

  it 'are not those of whatever else is ordered before it' do
    expect(inputs(<<~PP)).to eq(['/etc/web.conf'])
      class rabbitmq { file { '/etc/rabbitmq.conf': } ~> service { 'rabbitmq': } }
      class web { file { '/etc/web.conf': } ~> service { 'web': } }
      include rabbitmq
      include web
      Class['rabbitmq'] -> Class['web']
    PP
  end

  it 'are not those of a service that notifies it' do
    expect(inputs("file { '/etc/db.conf': } ~> service { 'db': } ~> service { 'web': }")).to eq([])
  end

  it 'are the files of settings, where their providers tell' do
    expect(inputs(<<~PP)).to eq(['/etc/agent.ini', '/etc/web.ini'])
      ini_setting { 'a': path => '/etc/web.ini', section => 's', setting => 'x', value => '1' } ~> Service['web']
      ini_subsetting { 'b': path => '/etc/web.ini', section => 's', setting => 'x', subsetting => 'y', value => '1' } ~> Service['web']
      spec_config { 'DEFAULT/debug': } ~> service { 'web': }
    PP
  end

  it 'are the files that concat builds' do
    expect(inputs("concat { '/etc/web.conf': notify => Service['web'] } concat::fragment { 'a': target => '/etc/web.conf', content => 'a' } service { 'web': }"))
      .to eq(['/etc/web.conf'])
  end

  it 'are directories only if Puppet manages what is in them' do
    expect(inputs(<<~PP)).to eq(['/etc/all', '/etc/some/file'])
      file { '/etc/some': ensure => directory } ~> service { 'web': }
      file { '/etc/some/file': } ~> Service['web']
      file { '/etc/all': ensure => directory, recurse => true } ~> Service['web']
    PP
  end

  it 'are what dpkg knows of the content of packages that notify it' do
    stub_const('PuppetX::Pacewright::Inputs::DPKG', @folder)
    FileUtils.touch(["#{@folder}/web.md5sums", "#{@folder}/libweb:amd64.md5sums", "#{@folder}/web-doc.md5sums"])
    expect(inputs("package { ['web', 'libweb']: } ~> service { 'web': } package { 'web-doc': before => Class['last'] } class last { } include last"))
      .to eq(["#{@folder}/libweb:amd64.md5sums", "#{@folder}/web.md5sums"])
  end

  # A type of settings like neutron_config, whose provider's class tells the file.
  before do
    type = Puppet::Type.newtype(:spec_config) do
      newproperty(:value)
      newparam(:name, namevar: true)
      autorequire(:file) { '/etc/agent.ini' }
    end
    type.provide(:ini) { def self.file_path = '/etc/agent.ini' }
  end

  after { Puppet::Type.rmtype(:spec_config) }
end
