import { type PostmortemFile, postmortemFileSchema } from '#contracts/postmortem.ts';

/** Incident, postmortem and verification for other programs: docs/postmortem-format.md. @throws when it is not what is documented */
export const jsonPostmortem = (file: PostmortemFile): string => `${JSON.stringify(postmortemFileSchema.parse(file), null, 2)}\n`;
