// Every API this broker serves. A handler that is not in this list does not exist: dispatch and ApiVersions read nothing else.

import type { Handler } from '../server/handler.ts';
import { apiVersions } from './18-api-versions.ts';

export const handlers: readonly Handler[] = [apiVersions];
