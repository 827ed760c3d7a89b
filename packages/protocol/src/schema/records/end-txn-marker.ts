// The value of the control record that ends a transaction.

import { int32, message } from '../dsl.ts';

export const endTxnMarkerSchema = message({
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: [int32('coordinatorEpoch', '0+')],
});
