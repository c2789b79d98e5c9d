// One copy of everything, whichever way it is loaded: `instanceof` works between both.
export * from './index.js'
