import type { Connection } from '../database/database.ts';
export async function checkUserSql(_connection: Connection, _sql: string): Promise<void> {}
