# frozen_string_literal: true

require 'json'
require 'open3'

module PuppetX
  module Pacewright
    # The only place that calls the program `pacewright`: arguments in, its JSON out, its error text raised.
    module Cli
      # Seconds that a question may take; being slow is no error, hanging is.
      PATIENCE = 180

      class Missing < Puppet::Error; end

      module_function

      # What there is to know about services, from one read of the cluster.
      #
      # @param inputs [Hash{String => Array<String>}] each service's name, and its config inputs as the catalog has them
      # @return [Hash] `node`, this node's name in the cluster, and `services`, an object for each name
      def status(inputs)
        argv = ['timeout', '--kill-after=5', PATIENCE.to_s, 'pacewright', 'service', 'status', '--json', '--inputs', '-', '--', *inputs.keys]
        parsed(argv, JSON.generate(inputs), [0, 3, 4, 6])
      end

      # Carries an operation out.
      #
      # @return [Hash] `changed`, `message`, `notes`, and what else the verb tells
      def change(*words)
        parsed(['pacewright', *words], '', [0])
      end

      # Makes the cluster's resources as a document says; with `--plan`, only tells what that would change.
      #
      # @return [Hash] `changes`, `message`, ...
      def apply(document, *options)
        parsed(['pacewright', 'resource', 'apply', '--json', *options, '-'], JSON.generate(document), [0, 5])
      end

      # @return [Hash] what a command printed
      # @raise [Puppet::Error] it is not there, it failed, or it printed no JSON
      def parsed(argv, input, good)
        out, err, state = Open3.capture3({ 'LC_ALL' => 'C.UTF-8' }, *argv, stdin_data: input)
        raise Missing, 'the program `pacewright` is not installed on this node (the class `pacewright` installs it).' if state.exitstatus == 127

        answer = good.include?(state.exitstatus) ? json(out) : nil
        answer || raise(Puppet::Error, complaint(argv, err, state))
      rescue Errno::ENOENT
        raise Missing, 'the program `pacewright` is not installed on this node (the class `pacewright` installs it).'
      end

      def json(text)
        answer = JSON.parse(text)
        answer if answer.is_a?(Hash)
      rescue JSON::ParserError
        nil
      end

      def complaint(argv, err, state)
        said = err.dup.force_encoding(Encoding::UTF_8).scrub.strip.sub(/\Apacewright: /, '')
        return said unless said.empty?

        ended = state.exitstatus ? "ended with exit code #{state.exitstatus}" : "was ended by signal #{state.termsig}"
        "`#{argv.drop_while { |word| word != 'pacewright' }.first(3).join(' ')}` #{ended} and did not say what Puppet needs to know."
      end
    end
  end
end
