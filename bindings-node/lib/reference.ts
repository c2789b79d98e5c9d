/** References: values that earlier commands of a batch will have brought. */

/** A value that an earlier command of the same batch brings; made by {@link ref}. */
export class Reference {
  readonly #name: string
  readonly #keys: readonly string[]
  readonly #each: boolean

  /** @internal */
  constructor(name: string, keys: readonly string[] = [], each = false) {
    this.#name = name
    this.#keys = keys
    this.#each = each
  }

  /** The command's name. */
  get name(): string {
    return this.#name
  }

  /** Whether it stands for a field of every item. */
  get isEach(): boolean {
    return this.#each
  }

  /** A field, or an element of a list by its number from 0. */
  at(key: string | number): Reference {
    return new Reference(this.#name, [...this.#keys, String(key)], this.#each)
  }

  /** One field of every item, as a list. In batches of REST 3.0 only. */
  each(field: string): Reference {
    return new Reference(this.#name, [...this.#keys, String(field)], true)
  }

  /** As the batch of REST 2 writes it. */
  toString(): string {
    return `$result[${this.#name}]${this.#keys.map((key) => `[${key}]`).join('')}`
  }

  /** As the batch of REST 3.0 writes it. */
  toPath(): Record<string, string> {
    return { [this.#each ? '$refArray' : '$ref']: [this.#name, ...this.#keys].join('.') }
  }

  static {
    // Not a method by its name: the types must do without Node's.
    Object.defineProperty(Reference.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: Reference) {
        return `Reference ${this.toString()}`
      },
    })
  }
}

/** What the command of that name brings, for the parameters of a later command of the batch. */
export function ref(name: string): Reference {
  return new Reference(String(name))
}
