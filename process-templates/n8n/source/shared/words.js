/**
 * What a person has to do about a state. The same words stand in the messages and in the nodes that a run ends in.
 * @param {string} state
 * @returns {string}
 */
export function adviceFor(state) {
  const consent =
    'Open the link as the Bitrix24 user whose rights the workflow shall have. If no page of n8n comes up after it, copy what stands between "code=" and "&" in the address bar into "code" of the node Settings and run the workflow from "By hand" within 30 seconds.'
  const advice = {
    not_authorized: consent,
    needs_reauthorization: consent,
    code_refused: `A code lives 30 seconds and works once. ${consent}`,
    settings: 'Correct the node Settings and publish the workflow.',
    client_secret_missing:
      'In the node "Ask the authorization server" choose a credential of the type Custom Auth with {"body": {"client_secret": "..."} }, and publish the workflow.',
    application_refused:
      'Compare client_id (node Settings) and client_secret (credential) with the application\'s card in Bitrix24, and see that the application is installed on the portal. Then run the workflow from "By hand".',
    payment:
      'The portal\'s plan or the application has to be paid. It is tried again every 6 hours; a run from "By hand" tries at once.',
    unreachable:
      'Nothing is lost yet; it is tried again by itself. See whether this machine reaches the authorization server.',
    scope: '',
    untold:
      'Fill in alert_url in the node Settings, here and in the workflow "Bitrix24 OAuth: something broke", and publish both. What could not be told is kept until then.',
    renewal_delayed: 'Nothing to do but wait: ask again after retry_after seconds.',
    invalid_request: 'Correct what was sent to "Give me a token": min_ttl is 0 to 3000 seconds.',
  }
  return advice[state] ?? ''
}
