import { openTestPlatform, type TestPlatform } from '@signet/testing';
import { ACTING } from './anomalies-app.fixture.js';

describe('the roles of the services', () => {
  let platform: TestPlatform;

  beforeAll(async () => {
    platform = await openTestPlatform(ACTING.migrations);
  });
  afterAll(() => platform.close());

  async function may(role: string, table: string): Promise<string[]> {
    const rights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
    const rows: { right: string }[] = await platform.dataSource.query(
      `SELECT r AS right FROM unnest($3::text[]) AS r WHERE has_table_privilege($1, $2, r)`,
      [role, table, rights],
    );
    return rows.map(({ right }) => right);
  }

  it.each([
    ['signet_analytics', 'analytics.alerts', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
    ['signet_analytics', 'analytics.alert_mutes', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
    ['signet_analytics', 'analytics.anomaly_profiles', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
    ['signet_analytics', 'analytics.anomaly_rules', ['SELECT', 'INSERT']],
    ['signet_analytics', 'codes.alert_actions', []],
    ['signet_analytics', 'mfa.subject_demands', []],
    ['signet_enrollment', 'codes.alert_actions', ['SELECT', 'INSERT', 'DELETE']],
    ['signet_enrollment', 'mfa.subject_demands', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
    ['signet_enrollment', 'analytics.alerts', []],
    ['signet_verification', 'mfa.subject_demands', ['SELECT']],
    ['signet_redirect', 'mfa.subject_demands', []],
    ['signet_redirect', 'analytics.alerts', []],
  ])('let %s do with %s what its service needs, and nothing else', async (role, table, rights) => {
    expect(await may(role, table)).toEqual(rights);
  });
});
