// The three files in a real n8n, against the emulator. One n8n for all: a start of it is slow.
import { after, beforeEach } from 'node:test'
import { scenarios } from '../../test-support/table.js'
import { input } from './scenarios/input.js'
import { saving } from './scenarios/saving.js'
import { tokens } from './scenarios/tokens.js'
import { trouble } from './scenarios/trouble.js'
import { Stage } from './support/stage.js'

const stage = await Stage.open()
const scenario = scenarios('n8n 2.41.1 on Node 24')
beforeEach(async () => {
  await stage.fresh()
})
after(async () => {
  await stage.close()
})

trouble(scenario, stage)
saving(scenario, stage)
tokens(scenario, stage)
input(scenario, stage)
