/**
 * The errors of this package: one class per family of kinds, all of them {@link EvergrantError}.
 *
 * Branch on the class for a family, on `kind` for one kind, on `code` for the vendor's own word.
 */

/** What went wrong, coarsely. The words are the same in every language of evergrant. */
export type Kind =
  | 'invalid_input'
  | 'state_mismatch'
  | 'unknown_grant'
  | 'needs_reauthorization'
  | 'suspended'
  | 'invalid_grant'
  | 'invalid_client'
  | 'unauthorized'
  | 'access_denied'
  | 'method_not_found'
  | 'rate_limited'
  | 'operating_limit'
  | 'blocked'
  | 'rest'
  | 'network'
  | 'timeout'
  | 'ambiguous'
  | 'unexpected_answer'
  | 'store'
  | 'key'
  | 'cancelled'
  | 'internal'

/**
 * Whether the same request may be sent again: `never`; `safe`, it was certainly not executed;
 * `if_idempotent`, it may have been; `after_reauthorization`, once a person has consented again.
 */
export type Retry = 'never' | 'safe' | 'if_idempotent' | 'after_reauthorization'

/** What an error is made of. */
export interface ErrorFacts {
  readonly kind: Kind
  /** What happened, where, and what to do next; holds no secret. */
  readonly message: string
  readonly retry?: Retry
  readonly retryAfter?: number | undefined
  readonly code?: string | undefined
  readonly status?: number | undefined
  readonly advice?: string | undefined
  readonly context?: Readonly<Record<string, string>>
  /** What is underneath: an error of the system, or what the caller threw. */
  readonly cause?: unknown
}

/** Everything that goes wrong in this package. Its text names portal, method or field, never a secret. */
export class EvergrantError extends Error {
  /** What went wrong. */
  readonly kind: Kind
  /** The vendor's own code, such as `QUERY_LIMIT_EXCEEDED`; an empty text where it sent an empty one. */
  declare readonly code?: string
  /** HTTP status of the answer, if there was one. */
  declare readonly status?: number
  /** Whether the same request may be sent again, as a word. */
  readonly retry: Retry
  /** True if the same request may be sent again whatever it does. */
  readonly retryable: boolean
  /** Seconds to wait before that, where known. */
  declare readonly retryAfter?: number
  /** Facts such as `portal`, `method`, `grant`, `field`, `page`. */
  readonly context: Readonly<Record<string, string>>
  /** What to do next, where there is something to do. */
  declare readonly advice?: string

  constructor(facts: ErrorFacts) {
    super(facts.message, 'cause' in facts ? { cause: facts.cause } : undefined)
    const { kind, retry = 'never', context = {}, code, status, retryAfter, advice } = facts
    this.kind = kind
    this.retry = retry
    this.retryable = retry === 'safe'
    this.context = context
    const known = Object.entries({ code, status, retryAfter, advice }).filter(
      ([, value]) => value !== undefined && value !== null,
    )
    Object.assign(this, Object.fromEntries(known))
  }
}

/** A value cannot be used; `context.field` names it. */
export class InvalidInputError extends EvergrantError {}

/** The redirect carries another state than the one that was sent: treat it as forged. */
export class StateMismatchError extends EvergrantError {}

/** The store has no such grant of this application. */
export class UnknownGrantError extends EvergrantError {}

/** The authorization server refused the code, the grant or the application. */
export class AuthorizationError extends EvergrantError {}

/** The grant cannot be renewed: a person has to consent again. */
export class NeedsReauthorizationError extends AuthorizationError {}

/** The portal refused the call; `code` is its own word for why. */
export class RestError extends EvergrantError {}

/** The portal is asked too much; nothing was executed. */
export class RateLimitError extends RestError {}

/** No answer came; `retry` says whether the request may have been executed. */
export class NetworkError extends EvergrantError {}

/** The answer is not what the protocol allows, such as a page of HTML. */
export class UnexpectedAnswerError extends EvergrantError {}

/** The store, or the master key that opens it, cannot be used. */
export class StoreError extends EvergrantError {}

/** The work was given up before it was done; `cause` is the signal's reason. */
export class OperationCancelledError extends EvergrantError {}

/** A defect of evergrant's own. */
export class InternalError extends EvergrantError {}

/** Which class a kind belongs to: the one table, the same in every language. */
const FAMILIES: Record<Kind, typeof EvergrantError> = {
  invalid_input: InvalidInputError,
  state_mismatch: StateMismatchError,
  unknown_grant: UnknownGrantError,
  needs_reauthorization: NeedsReauthorizationError,
  suspended: AuthorizationError,
  invalid_grant: AuthorizationError,
  invalid_client: AuthorizationError,
  unauthorized: RestError,
  access_denied: RestError,
  method_not_found: RestError,
  rate_limited: RateLimitError,
  operating_limit: RateLimitError,
  blocked: RestError,
  rest: RestError,
  network: NetworkError,
  timeout: NetworkError,
  ambiguous: NetworkError,
  unexpected_answer: UnexpectedAnswerError,
  store: StoreError,
  key: StoreError,
  cancelled: OperationCancelledError,
  internal: InternalError,
}

/** The class of a kind. A kind that this table does not know yet is still an {@link EvergrantError}. */
export function classOf(kind: string): typeof EvergrantError {
  return Object.hasOwn(FAMILIES, kind) ? FAMILIES[kind as Kind] : EvergrantError
}

// Written out, because a bundler may shorten the names of classes.
const NAMES = {
  EvergrantError,
  InvalidInputError,
  StateMismatchError,
  UnknownGrantError,
  AuthorizationError,
  NeedsReauthorizationError,
  RestError,
  RateLimitError,
  NetworkError,
  UnexpectedAnswerError,
  StoreError,
  OperationCancelledError,
  InternalError,
}
for (const [name, type] of Object.entries(NAMES)) {
  Object.defineProperty(type.prototype, 'name', { value: name, writable: true, configurable: true })
}
