# frozen_string_literal: true

require_relative '../../../puppet_x/pacewright/cli'
require_relative '../../../puppet_x/pacewright/inputs'

Puppet::Type.type(:service).provide(:pcs) do
  desc <<-DOC
    Manages services that Pacemaker runs, through the cluster, by the program `pacewright`.

    A start waits until the service's config is in place on every node, and is committed from one of them. A refresh
    restarts the instances that run an older config than their node has, one after another, once. What an earlier run
    should have restarted and did not is shown as `owed`, and done. A service that the cluster does not know is left to
    the platform's own provider.
  DOC

  # Seconds for which an answer holds. In a run of many minutes, other nodes have gone on meanwhile.
  FRESH = 60

  has_features :refreshable, :enableable, :controllable, :configurable_timeout, :maskable

  # One question for all services of a catalog. Never raises: each service tells of its own trouble, in `status`.
  def self.prefetch(resources)
    @resources = resources
    ask(resources)
  rescue StandardError => e
    resources.each_value { |resource| resource.provider.trouble = e }
  end

  # @param resources [Hash{String => Puppet::Type}] the services by name; each one's provider is told what there is
  def self.ask(resources)
    now = Time.now
    answer = PuppetX::Pacewright::Cli.status(resources.transform_values { |resource| PuppetX::Pacewright::Inputs.of(resource) })
    answer['services'].each { |found| resources.fetch(found['name']).provider.found(found, answer['node'], now) }
  end

  # For this service, and for the others of its catalog with the same question.
  def self.ask_again(resource)
    ask(@resources&.value?(resource) ? @resources : { resource[:name] => resource })
  end

  # The cluster has other resources than a moment ago: what is known of the services of this catalog is not true any more.
  def self.forget
    @resources&.each_value { |resource| resource.provider.forget }
  end

  # `puppet resource service` lists what the platform's own provider finds.
  def self.instances
    []
  end

  def initialize(value = {})
    super
    @begun = Time.now.to_f
  end

  attr_writer :trouble

  # Puppet's own default for `timeout` is 10 s; without one, services.yaml and the resource's own time-outs say.
  def default_timeout
    nil
  end

  def found(service, node, at)
    @service = service
    @node = node
    @asked = at
  end

  def forget
    @service = @trouble = nil
  end

  # -- what Puppet asks ------------------------------------------------------------------------------------------------

  # `running`, `stopped`, or why it is neither: `owed`, `changing`, `failed`. Reads only.
  #
  # What is owed is only a state of its own where Puppet will act on it, because a service in any other state than
  # `running` is not refreshed either.
  def status
    return native.status if native?

    @status = owed? && resource[:ensure] == :running ? :owed : service['here'].to_sym
  end

  # A unit that systemd starts at boot, beside the cluster, is the only thing that is not in order.
  def enabled?
    return native.enabled? if native?

    service['at_boot'].empty? ? resource[:enable] : :at_boot
  end

  def enabled_insync?(current)
    return current != :at_boot unless native?

    native.respond_to?(:enabled_insync?) ? native.enabled_insync?(current) : current.to_s == resource[:enable].to_s
  end

  # -- what Puppet has done ----------------------------------------------------------------------------------------------

  # Whether it is owed or stopped, it runs afterwards with the config that this node has.
  def start
    return native.start if native?
    return refresh if @status == :owed

    config = inputs
    change('start', '--barrier', *wave, *config)
    refresh unless config.empty? # what was already on its way up may have read an older config
  end

  def stop
    native? ? native.stop : change('stop', *wave)
  end

  # Puppet calls this for a refresh. Says itself what came of it, because Puppet says "Triggered" whatever it was.
  def restart
    native? ? native.restart : refresh('--since', @begun.to_s)
  end

  # The cluster starts it; both values mean that systemd does not.
  def enable
    native? ? native.enable : not_at_boot
  end

  def disable
    native? ? native.disable : not_at_boot
  end

  def mask
    return native.mask if native?

    raise Puppet::Error, "#{resource[:name]}: not masked: the cluster runs it, and could not start it any more. Use `enable => false`."
  end

  private

  def service
    raise @trouble if @trouble && !@trouble.is_a?(PuppetX::Pacewright::Cli::Missing)

    self.class.ask_again(resource) unless @service && Time.now - @asked < FRESH
    raise Puppet::Error, @service['error'] if @service['error'] && @service['provider'] == 'cluster'

    @service
  end

  def native?
    service['provider'] != 'cluster'
  end

  def native
    @native ||= native_class.new(resource)
  end

  def native_class
    type = resource.class
    return type.defaultprovider unless type.defaultprovider == self.class

    type.suitableprovider.reject { |provider| provider == self.class }.max_by { |provider| [provider.default? ? 1 : 0, provider.specificity] }
  end

  # A restart on this node that an earlier run, or somebody else, has left undone. What this run has changed itself will
  # come by a refresh; what cannot be done now is no reason to fail.
  def owed?
    due = service['owed'].select { |debt| debt['node'] == @node && (debt['since'].nil? || debt['since'] < @begun) }
    hindrance = service['hindrance'] || due.map { |debt| debt['hindrance'] }.compact.first
    return false if due.empty?

    why = due.first['reason']
    hindrance ? resource.warning("a restart is owed and cannot be done now (#{hindrance}): #{why}") : resource.info("a restart is owed: #{why}")
    hindrance.nil?
  end

  def inputs
    (service['config'] || []).flat_map { |path| ['--input', path] }
  end

  def wave
    stopped = resource.catalog&.resources&.find { |other| other.type == :pacewright_stopped && other[:services].include?(resource[:name]) }
    stopped ? ['--wave', stopped.wave] : []
  end

  # @param more what Puppet knows beside the config: that something has changed since this run has begun
  def refresh(*more)
    change('refresh', '--barrier', *wave, *inputs, *more)
  end

  def not_at_boot
    service['at_boot'].each { |unit| execute(['systemctl', 'disable', '--', unit]) }
    forget
  end

  def change(verb, *words)
    limit = resource[:timeout] ? ['--timeout', resource[:timeout].to_s] : []
    tell(verb, PuppetX::Pacewright::Cli.change('service', verb, '--json', *words, *limit, '--', resource[:name]))
    forget
  rescue StandardError => e
    @trouble = e # or Puppet would say that a refresh was done
    raise
  end

  def tell(verb, outcome)
    return if verb == 'refresh' && @started && !outcome['changed'] # the start has told it

    @started = verb == 'start'
    resource.notice(outcome['led'] ? "#{outcome['message']} (committed from this node)" : outcome['message'])
    outcome['notes'].each { |note| resource.notice(note) }
  end
end
