/** Every operation's method and path; nothing else, so that a browser need not load what validates them. */
export const ENDPOINTS = {
  getSession: 'GET /api/v1/session',
  signIn: 'POST /api/v1/session',
  signOut: 'DELETE /api/v1/session',
  getStatus: 'GET /api/v1/status',
  listCaptures: 'GET /api/v1/captures',
  getCapture: 'GET /api/v1/captures/{name}',
  listCollections: 'GET /api/v1/collections',
  getCollection: 'GET /api/v1/collections/{name}',
  previewCollection: 'GET /api/v1/collections/{name}/preview',
  listSchemas: 'GET /api/v1/collections/{name}/schemas',
  listMaterializations: 'GET /api/v1/materializations',
  getMaterialization: 'GET /api/v1/materializations/{name}',
  planBackfill: 'POST /api/v1/plans',
  listPlans: 'GET /api/v1/plans',
  getPlan: 'GET /api/v1/plans/{id}',
  applyPlan: 'POST /api/v1/plans/{id}/apply',
  listRuns: 'GET /api/v1/runs',
  getRun: 'GET /api/v1/runs/{id}',
  orderRun: 'POST /api/v1/runs/{id}/orders',
  startVerification: 'POST /api/v1/verifications',
  listVerifications: 'GET /api/v1/verifications',
  getVerification: 'GET /api/v1/verifications/{id}',
  cancelVerification: 'POST /api/v1/verifications/{id}/cancel',
  listAlerts: 'GET /api/v1/alerts',
  acknowledgeAlert: 'POST /api/v1/alerts/{id}/acknowledge',
  testAlerts: 'POST /api/v1/alerts/test',
  listLogs: 'GET /api/v1/logs',
  getSettings: 'GET /api/v1/settings',
  getUsage: 'GET /api/v1/usage',
} as const satisfies Readonly<Record<string, `${'GET' | 'POST' | 'DELETE'} /${string}`>>;

export type OperationName = keyof typeof ENDPOINTS;

/** Server-sent events: see `LiveEvents`. `?topics=status,runs` for some of them. */
export const EVENTS_PATH = '/api/v1/events';
