// How a node of each kind looks in n8n's file format: only what differs is said where it is used.

const type = (name) => `n8n-nodes-base.${name}`

/** A value that n8n computes. */
export function computed(text) {
  if (text.includes('}}')) throw new Error(`two braces would end the expression too early: ${text}`)
  return `={{ ${text} }}`
}

export const node = (name, kind, typeVersion, position, parameters, more = {}) => ({
  name,
  type: type(kind),
  typeVersion,
  position,
  parameters,
  ...more,
})

/** Code out of source/code/; build.mjs puts the text in. */
export const code = (source, position, more = {}) => ({ source, position, ...more })

/** Sets the whole item from one expression. */
export const json = (name, position, expression, more = {}) =>
  node(
    name,
    'set',
    3.4,
    position,
    { mode: 'raw', jsonOutput: computed(expression), options: {} },
    more,
  )

/** Fields that a person fills in, beside what came in. */
export const fields = (name, position, values, notes) =>
  node(
    name,
    'set',
    3.4,
    position,
    {
      assignments: {
        assignments: values.map(([field, value]) => ({
          id: `field-${field}`,
          name: field,
          value,
          type: typeof value,
        })),
      },
      includeOtherFields: true,
      options: {},
    },
    { notes },
  )

const comparison = (left, right) => ({
  conditions: {
    options: { caseSensitive: true, leftValue: '', typeValidation: 'loose', version: 2 },
    conditions: [
      {
        id: `is-${right}`,
        leftValue: computed(left),
        rightValue: right,
        operator: { type: 'string', operation: 'equals' },
      },
    ],
    combinator: 'and',
  },
})

/** One output for each value, named like it; the last, if asked for, takes the rest. */
export const route = (name, position, expression, values, rest) =>
  node(name, 'switch', 3.2, position, {
    rules: {
      values: values.map((value) => ({
        ...comparison(expression, value),
        renameOutput: true,
        outputKey: value,
      })),
    },
    looseTypeValidation: true,
    options: rest ? { fallbackOutput: 'extra', renameFallbackOutput: rest } : {},
  })

/** Two outputs: yes, no. */
export const question = (name, position, expression) =>
  node(name, 'if', 2.2, position, {
    ...comparison(`String(Boolean(${expression}))`, 'true'),
    looseTypeValidation: true,
    options: {},
  })

const table = { __rl: true, mode: 'name', value: 'bitrix24_tokens' }

export const columns = {
  reference: 'string',
  access_token: 'string',
  expires_at: 'number',
  client_endpoint: 'string',
  member_id: 'string',
  user_id: 'string',
  scope: 'string',
  refresh_token: 'string',
  memory: 'string',
  lock_owner: 'string',
  lock_until: 'number',
}

export const makeTable = (name, position, more) =>
  node(
    name,
    'dataTable',
    1.1,
    position,
    {
      resource: 'table',
      operation: 'create',
      tableName: table.value,
      columns: {
        column: Object.entries(columns).map(([column, kind]) => ({ name: column, type: kind })),
      },
      options: { createIfNotExists: true },
    },
    more,
  )

const where = (conditions) => ({
  matchType: 'allConditions',
  filters: {
    conditions: conditions.map(([keyName, condition, expression]) => ({
      keyName,
      condition,
      keyValue: computed(expression),
    })),
  },
})

export const readRow = (name, position, conditions, more) =>
  node(
    name,
    'dataTable',
    1.1,
    position,
    {
      resource: 'row',
      operation: 'get',
      dataTableId: table,
      ...where(conditions),
      returnAll: false,
      limit: 1,
    },
    { alwaysOutputData: true, ...more },
  )

const assigned = (values) => ({
  mappingMode: 'defineBelow',
  value: Object.fromEntries(
    Object.entries(values).map(([column, expression]) => [column, computed(expression)]),
  ),
  matchingColumns: [],
  schema: Object.keys(values).map((column) => ({
    id: column,
    displayName: column,
    required: false,
    defaultMatch: false,
    display: true,
    type: columns[column],
    readOnly: false,
    removed: false,
  })),
  attemptToConvertTypes: false,
  convertFieldsToString: false,
})

const writeRow = (operation, name, position, conditions, values, more) =>
  node(
    name,
    'dataTable',
    1.1,
    position,
    {
      resource: 'row',
      operation,
      dataTableId: table,
      ...where(conditions),
      columns: assigned(values),
      options: {},
    },
    { alwaysOutputData: true, ...more },
  )

/** Changes the named columns of the rows that match, in one statement. */
export const updateRow = (...node) => writeRow('update', ...node)

/** The same; where no row matches, makes one, in the same transaction. */
export const upsertRow = (...node) => writeRow('upsert', ...node)

export const insertRow = (name, position, values, more) =>
  node(
    name,
    'dataTable',
    1.1,
    position,
    {
      resource: 'row',
      operation: 'insert',
      dataTableId: table,
      columns: assigned(values),
      options: {},
    },
    more,
  )

/** A POST whose answer is looked at by us, whatever it is. */
export const post = (name, position, parameters, more) =>
  node(name, 'httpRequest', 4.2, position, { method: 'POST', sendBody: true, ...parameters }, more)

/** Colours of sticky notes mean what a part is for. */
const colours = { yellow: 1, orange: 2, red: 3, green: 4, blue: 5, purple: 6, grey: 7 }

export const note = (name, colour, [x, y, width, height], content) =>
  node(name, 'stickyNote', 1, [x, y], { content, width, height, color: colours[colour] })
