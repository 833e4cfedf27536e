# frozen_string_literal: true

require 'fileutils'
require 'json'
require 'tmpdir'
require 'puppet'
require 'puppet/test/test_helper'
require 'rspec-puppet'

MODULE = File.expand_path('..', __dir__)
# Puppet wants a module's folder to have the module's name.
MODULES = Dir.mktmpdir('pacewright-spec-')
File.symlink(MODULE, "#{MODULES}/pacewright")
at_exit { FileUtils.rm_rf(MODULES) }

# Debian's own modules: inifile and concat, for the tests that take config inputs from their types.
MODULE_PATH = [MODULES, '/usr/share/puppet/modules'].freeze

MODULE_PATH.flat_map { |path| Dir.glob("#{path}/{pacewright,inifile,concat}/lib") }.each { |lib| $LOAD_PATH.unshift(lib) }

# A program in the place of `pacewright`: it notes how it is called, and answers what the test says.
class FakeProgram
  attr_reader :folder

  def initialize(folder)
    @folder = folder
    File.write("#{folder}/pacewright", <<~SH)
      #!/bin/sh
      printf '%s\\n' "$*" >>#{folder}/calls
      case "$1 $2" in 'service status' | 'resource apply') cat >#{folder}/input; cp #{folder}/input #{folder}/$1.input ;; esac
      answer="#{folder}/$1-$2"
      [ -e "$answer.err" ] && cat "$answer.err" >&2
      [ -e "$answer.out" ] && cat "$answer.out"
      exit "$(cat "$answer.code" 2>/dev/null || echo 0)"
    SH
    File.chmod(0o755, "#{folder}/pacewright")
    ENV['PATH'] = "#{folder}:#{ENV.fetch('PATH')}"
  end

  def answers(command, out, code: 0, err: nil)
    base = "#{folder}/#{command.tr(' ', '-')}"
    File.write("#{base}.out", out.is_a?(String) ? out : JSON.generate(out))
    File.write("#{base}.code", code.to_s)
    File.write("#{base}.err", err) if err
  end

  def calls(verb = nil)
    all = File.exist?("#{folder}/calls") ? File.readlines("#{folder}/calls", chomp: true) : []
    verb ? all.select { |call| call.start_with?(verb) } : all
  end

  def input
    JSON.parse(File.read("#{folder}/input"))
  end
end

# What `pacewright service status --json` tells of a service that the cluster runs.
def cluster_service(name, **more)
  { 'name' => name, 'provider' => 'cluster', 'here' => 'running', 'owed' => [], 'hindrance' => nil, 'config' => [], 'at_boot' => [] }
    .merge(more.transform_keys(&:to_s))
end

def told(*services)
  { 'node' => 'n1', 'services' => services }
end

def outcome(message, **more)
  { 'changed' => true, 'message' => message, 'notes' => [], 'restarted' => [], 'led' => false }
    .merge(more.transform_keys(&:to_s))
end

# Compiles a manifest as `puppet apply` would.
def catalog(manifest)
  Puppet[:code] = manifest
  environment = Puppet::Node::Environment.create(:spec, MODULE_PATH)
  values = { 'os' => { 'family' => 'Debian' }, 'clientversion' => Puppet.version }
  node = Puppet::Node.new('spec', environment: environment, parameters: values, facts: Puppet::Node::Facts.new('spec', values))
  Puppet.override(environments: Puppet::Environments::Static.new(environment), current_environment: environment) do
    Puppet::Parser::Compiler.compile(node).to_ral
  end
end

# Applies a manifest in this process; returns what Puppet has logged, and the status of each resource.
def apply(manifest, noop: false)
  Puppet[:noop] = noop
  [:vardir, :statedir, :statefile, :transactionstorefile, :lastrunfile].each { |place| Puppet[place] = "#{@folder}/#{place}" }
  FileUtils.mkdir_p([Puppet[:vardir], Puppet[:statedir]])
  logs = []
  Puppet::Util::Log.newdestination(Puppet::Test::LogCollector.new(logs))
  statuses = nil
  catalog(manifest).apply { |transaction| statuses = transaction.report.resource_statuses }
  [logs.map { |log| "#{log.source}: #{log.message}" }, statuses]
end

RSpec.configure do |config|
  config.module_path = MODULE_PATH.join(':')
  config.setup_fixtures = false
  config.mock_with :rspec

  config.before(:suite) { Puppet::Test::TestHelper.initialize }
  config.before(:all) { Puppet::Test::TestHelper.before_all_tests }
  config.after(:all) { Puppet::Test::TestHelper.after_all_tests }

  config.around do |example|
    path = ENV.fetch('PATH')
    Dir.mktmpdir('pacewright-spec-') do |folder|
      @folder = folder
      @program = FakeProgram.new(folder)
      example.run
    end
  ensure
    ENV['PATH'] = path
  end

  config.before { Puppet::Test::TestHelper.before_each_test }
  config.after { Puppet::Test::TestHelper.after_each_test }
end
