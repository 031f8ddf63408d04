/** Why a command ends without having done its work: a sentence for the person who called it. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  /** The arguments were wrong, not the world. */
  readonly isMisuse: boolean;

  constructor(message: string, { isMisuse = false }: { readonly isMisuse?: boolean } = {}) {
    super(message);
    this.isMisuse = isMisuse;
  }
}

export function misuse(message: string): CommandFailure {
  return new CommandFailure(message, { isMisuse: true });
}
