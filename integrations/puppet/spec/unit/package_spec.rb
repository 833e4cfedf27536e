# frozen_string_literal: true

require 'open3'
require 'spec_helper'

describe 'the package of the module' do
  it 'is one that `puppet module install` takes, with everything in it that a node needs' do
    package, status = Open3.capture2(File.expand_path('../../script/puppet-module', MODULE))
    expect(status).to be_success
    # Without the option it asks the Forge even for a module that depends on nothing.
    options = ['--ignore-dependencies', '--target-dir', "#{@folder}/modules", '--vardir', "#{@folder}/var", '--confdir', "#{@folder}/conf"]
    out, status = Open3.capture2e('puppet', 'module', 'install', *options, package.chomp)
    expect(status).to be_success, out
    there = Dir.glob('**/*', base: "#{@folder}/modules/pacewright").reject { |path| File.directory?("#{MODULE}/#{path}") }
    wanted = Dir.glob('**/*', base: MODULE).reject { |path| File.directory?("#{MODULE}/#{path}") || path.start_with?('spec/') }
    expect(there - ['checksums.json']).to match_array(wanted)
    expect(File.executable?("#{@folder}/modules/pacewright/facts.d/pacemaker")).to be(true)
  end
end
