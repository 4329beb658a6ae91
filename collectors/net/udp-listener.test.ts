import { expect, it } from 'vitest';
import { dropsIn } from './udp-listener.ts';

/** /proc/net/udp of a Linux 6 machine. */
const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1204: 0100007F:158A 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 81234 2 0000000000000000 39918
 1290: 00000000:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 81235 2 0000000000000000 0
`;
it.each([
  ['the port', TABLE, 0x158a, 39_918],
  ['one that lost nothing', TABLE, 0x1f90, 0],
  ['one that is not there', TABLE, 1, 0],
  ['no file, where there is no Linux', '', 5514, 0],
  ['a table of another form', 'sl local\n 1: 0100007F:158A x\n', 0x158a, 0],
])('datagrams the system dropped: %s', (_, table, port, drops) => expect(dropsIn(table, port)).toBe(drops));
