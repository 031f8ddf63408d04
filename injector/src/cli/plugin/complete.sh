#!/usr/bin/env bash
# What kubectl runs when somebody presses Tab behind `kubectl bouncer`, with all words so far. The
# answer is a candidate a line, then a colon and what the shell shall do.
set -eu
exec kubectl-bouncer __complete "$@"
