// A principal as DefaultKafkaPrincipalBuilder serialises it for Envelope requests.

import { bool, message, string } from '../dsl.ts';

export const defaultPrincipalDataSchema = message({
  name: 'DefaultPrincipalData',
  versions: '0',
  flexible: '0+',
  fields: [string('type', '0+'), string('name', '0+'), bool('tokenAuthenticated', '0+')],
});
