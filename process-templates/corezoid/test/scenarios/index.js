// What the shipped file has to do, whatever Corezoid does where nobody knows. Each gets a stage and asserts.
import { firstToken } from './first-token.js'
import { readers } from './readers.js'
import { renewal } from './renewal.js'
import { trouble } from './trouble.js'

export const scenarios = { ...firstToken, ...renewal, ...trouble, ...readers }
