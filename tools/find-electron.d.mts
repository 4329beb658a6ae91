export declare function findElectron(
  root: string,
  host?: { readonly environment?: NodeJS.ProcessEnv; readonly platform?: NodeJS.Platform },
): { readonly path: string; readonly why: '' } | { readonly path: null; readonly why: string };
