/** What ends a command early, for people: something to correct, or wrong use of the command. */

/** Each line names where, and what is accepted. Exit code 1. */
export class InputError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "InputError";
    this.problems = problems;
  }
}

/** The command was not called as its usage says. Exit code 2, and the usage is shown. */
export class UseError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UseError";
  }
}
