// The template that talks to the authorization server itself. Numbers are placeholders: Corezoid gives its own at the import.
import bitrixOauth from './bitrix-oauth.mjs'
import createLead from './create-lead.mjs'
import giveToken from './give-token.mjs'
import notifyAuthor from './notify-author.mjs'
import tokenStorage from './token-storage.mjs'
import { folderNotes } from './words.mjs'

export default {
  id: 1000000,
  title: 'Bitrix OAuth',
  description: folderNotes,
  objects: [bitrixOauth, tokenStorage, notifyAuthor, giveToken, createLead],
}
