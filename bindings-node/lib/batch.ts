/** Commands of a batch, and what became of them. */

import type { EvergrantError } from './errors.js'
import { invalid, optional, reading, text } from './input.js'
import { json, type Params } from './params.js'
import type { Reference } from './reference.js'

/** One command of a batch: the method, its parameters, and the name that others refer to it by. */
export type Command = readonly [method: string, params?: Params, name?: string | null | undefined]

/** How one command of a batch ended. */
export type CommandOutcome<Result = unknown> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: EvergrantError }

/** Writes the commands as JSON text; `write` writes their references. */
export function commandsOf(
  commands: unknown,
  write: (reference: Reference, where: string) => unknown,
): string {
  return reading('commands', () => linesOf(commands, write))
}

function linesOf(
  commands: unknown,
  write: (reference: Reference, where: string) => unknown,
): string {
  if (!Array.isArray(commands)) {
    throw invalid('commands', 'commands must be a list of [method, params]')
  }
  const names = new Set<string>()
  const refer = (reference: Reference, where: string) => {
    if (names.has(reference.name)) return write(reference, where)
    const name = JSON.stringify(reference.name)
    throw invalid(
      'params',
      `${where} refers to ${name}, and no command before has that name: give it as [method, params, ${name}]`,
    )
  }
  const lines = commands.map((command: unknown, index) => {
    if (!Array.isArray(command) || command.length < 1 || command.length > 3) {
      throw invalid(
        'commands',
        `command ${index} is not [method, params] or [method, params, name]`,
      )
    }
    const method = text(command[0], 'method')
    const params = json(command[1], `commands[${index}]`, refer)
    const name = optional(command[2], 'name', text)
    if (name !== undefined) names.add(name)
    return `[${JSON.stringify(method)},${params},${JSON.stringify(name ?? null)}]`
  })
  return `[${lines.join(',')}]`
}

/** References of REST 2. */
export function asText(reference: Reference, where: string): string {
  if (!reference.isEach) return reference.toString()
  throw invalid(
    'params',
    `${where} asks for a field of each item, which only a batch of REST 3.0 (v3.batch) can`,
  )
}

/** References of REST 3.0. */
export function asPath(reference: Reference): object {
  return reference.toPath()
}
