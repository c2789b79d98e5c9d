/**
 * The core's warnings become Node's, of the type `EvergrantWarning`: on standard error unless
 * `process.on('warning')` or `--no-warnings` say otherwise.
 */

import { onWarning } from '../native.js'

onWarning((text) => process.emitWarning(text, 'EvergrantWarning'))
