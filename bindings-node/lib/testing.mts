// One copy of everything, whichever way it is loaded.
export * from './testing.js'
