/**
 * Keeps Bitrix24 authorization alive: grants, rotation of single-use refresh tokens, REST.
 *
 * @packageDocumentation
 */

import './warnings.js'

export {
  Application,
  type AuditEntry,
  type AuthorizeLink,
  type ChangesOptions,
  type Grant,
  type KeepAlive,
  type ListenerOptions,
  type Statistics,
  type TokenOptions,
} from './application.js'
export type { AbortSignalLike } from './cancel.js'
export type { Change, ChangeListener } from './changes.js'
export { type CallOptions, Client, type Command, type CommandOutcome } from './client.js'
export {
  AuthorizationError,
  EvergrantError,
  InternalError,
  InvalidInputError,
  type Kind,
  NeedsReauthorizationError,
  NetworkError,
  OperationCancelledError,
  RateLimitError,
  RestError,
  type Retry,
  StateMismatchError,
  StoreError,
  UnexpectedAnswerError,
  UnknownGrantError,
} from './errors.js'
export type { Params } from './input.js'
export type { ApplicationOptions, RetrySpent } from './settings.js'
export { Token } from './token.js'
