#!/usr/bin/env bash
# What kubectl asks when somebody presses Tab behind `kubectl bouncer`: all words so far, the last of
# them perhaps empty. The answer is a word a line, and at the end a colon and what to do with them.
set -eu
exec "$(dirname "${BASH_SOURCE[0]}")/kubectl-bouncer" __complete "$@"
