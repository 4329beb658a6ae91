import { z } from 'zod';

/** How far a file is that is being brought to the layout of this version. */
export const migrationNewsSchema = z.object({
  /** Its name in the data folder. */
  file: z.string(),
  bytes: z.number(),
  from: z.number(),
  to: z.number(),
  state: z.enum(['copying', 'changing', 'done']),
  /** What is being changed; '' where nothing takes long. */
  table: z.string(),
  /** Of the rows of that table, 0-1; null: not known. */
  part: z.number().nullable(),
  seconds: z.number(),
});
export type MigrationNews = Readonly<z.infer<typeof migrationNewsSchema>>;
