/**
 * What a person has to do about a state. The same words stand in the messages and in the nodes that a job ends in.
 * @param {string} state
 * @param {string} [note] about the consent link
 * @returns {string}
 */
export function adviceFor(state, note = '') {
  const consent = `Open the consent link as the user whose rights the flow uses.${note}`
  const code = 'A code lives 30 seconds and works once.'
  const wait = 'Nothing is lost yet; it is tried again by itself.'
  const store = "Free the disk or correct the rights of Node-RED's folder."
  const advice = {
    not_authorized: consent,
    needs_reauthorization: consent,
    code_refused: `${code} ${consent}`,
    code_expired: `${code} ${consent}`,
    code_of_another_portal: `Correct portal in the settings of the tab and press Deploy, or take a code of the portal that is named there. ${consent}`,
    inputs_missing:
      'Double-click the name of the tab, fill in portal, client_id and client_secret, and press Deploy.',
    portal_malformed:
      'Write portal in the settings of the tab like example.bitrix24.com, or just example, and press Deploy.',
    client_secret_missing:
      'Fill in client_secret again in the settings of the tab and press Deploy.',
    settings: 'Correct the settings of the tab and press Deploy.',
    application_refused:
      "Compare client_id and client_secret with the application's card in Bitrix24, and see that the application is installed. Press Deploy after a change.",
    payment:
      "The portal's plan or the application has to be paid. It is tried again every 6 hours.",
    unreachable: `${wait} See whether this machine reaches the authorization server.`,
    renewal_delayed: wait,
    too_many_renewals: 'Ask less often: each reader asks again only when its call is due.',
    store,
    store_unreadable: store,
    store_not_writable: store,
    storage:
      'In settings.js: contextStorage: { default: { module: "memory" }, disk: { module: "localfilesystem", config: { cache: false } } }',
    flow_error:
      "Look at Node-RED's log. If the tab was changed by hand, change it back or import the file again.",
  }
  return advice[state] ?? ''
}
