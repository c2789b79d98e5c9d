/**
 * Keeps Bitrix24 authorization alive: grants, rotation of single-use refresh tokens, REST.
 *
 * @packageDocumentation
 */

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
export type { Command, CommandOutcome } from './batch.js'
export type { AbortSignalLike } from './cancel.js'
export type { Change, ChangeListener } from './changes.js'
export { type CallCounters, Client } from './client.js'
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
export {
  type ByteSink,
  type DownloadOptions,
  type FileContent,
  type FileShapes,
  fileShapes,
  type UploadOptions,
} from './files.js'
export { type LogLevel, type LogRecord, onLog } from './log.js'
export type {
  Abortable,
  BatchOptions,
  CallOptions,
  CallV3Options,
  ItemsOptions,
  ListOptions,
  PaceOptions,
  Paging,
  PagingOptions,
  Progress,
  Strategy,
  WebhookOptions,
} from './options.js'
export type { Params } from './params.js'
export { Reference, ref } from './reference.js'
export type { Items, Rows } from './rows.js'
export type { ApplicationOptions, RetrySpent } from './settings.js'
export { Token } from './token.js'
export type { V3 } from './v3.js'
