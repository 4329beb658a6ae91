import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Files by pattern, as a shell expands it: * and ? and [a-z] within a name (no leading dot unless written), {a,b}, and ** for any
 * folders. Bounded, because a pattern may stand at the top of a disk. Symbolic links to folders are followed where the pattern names
 * the folder, never under **, so a loop of links ends.
 */
export interface GlobResult {
  readonly files: readonly string[];
  /** Folders that could not be listed, with why. */
  readonly problems: readonly { readonly path: string; readonly says: string }[];
  /** A limit was met: there may be more. */
  readonly cut: boolean;
}
export interface GlobLimits {
  /** Names looked at. */
  readonly maxEntries: number;
  readonly maxFiles: number;
}
const MAX_DEPTH = 32;
const MAX_ALTERNATIVES = 64;
const MAX_PROBLEMS = 20;

/** {a,b} written out. @throws Error when there are too many */
export function expandBraces(pattern: string): string[] {
  const found: string[] = [];
  const todo = [pattern];
  while (todo.length > 0) {
    const each = todo.pop() as string;
    const braces = /\{([^{}]*)\}/.exec(each);
    if (braces === null) found.push(each);
    else
      for (const part of (braces[1] as string).split(','))
        todo.push(each.slice(0, braces.index) + part + each.slice(braces.index + braces[0].length));
    if (found.length + todo.length > MAX_ALTERNATIVES) throw new Error(`it stands for more than ${MAX_ALTERNATIVES} patterns`);
  }
  return [...new Set(found)].sort();
}

const isGlob = (text: string): boolean => /[*?[]/.test(text);
/** One name of a pattern as an expression. @throws Error for a set that is none */
function nameExpression(name: string): RegExp {
  let source = '';
  for (let at = 0; at < name.length; at++) {
    const char = name[at] as string;
    const set = char === '[' ? /^\[([!^]?)(\]?[^\]]*)\]/.exec(name.slice(at)) : null;
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (set) {
      source += `[${set[1] ? '^' : ''}${(set[2] as string).replace(/[\\\]^]/g, '\\$&')}]`;
      at += set[0].length - 1;
    } else source += char.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${/^[*?[]/.test(name) ? '(?!\\.)' : ''}${source}$`);
}
type Part = string | RegExp | '**';
export interface Glob {
  /** Folders without a wildcard that the pattern begins with. */
  readonly root: string;
  readonly parts: readonly Part[];
}
/** @param pattern absolute @throws Error saying what is wrong with it */
export function parseGlob(pattern: string): readonly Glob[] {
  return expandBraces(pattern).map((text) => {
    const { root } = path.parse(text);
    const names = text
      .slice(root.length)
      .split(path.sep === '\\' ? /[\\/]+/ : /\/+/)
      .filter((name) => name !== '' && name !== '.');
    const parts = names.map((name): Part => (name === '**' ? '**' : isGlob(name) ? nameExpression(name) : name));
    if (parts.at(-1) === '**') parts.push(nameExpression('*'));
    const fixed = parts.findIndex((part) => typeof part !== 'string' || part === '**');
    const literal = fixed < 0 ? Math.max(0, parts.length - 1) : fixed;
    return { root: path.join(root, ...names.slice(0, literal)), parts: parts.slice(literal) };
  });
}
/** Does the path, absolute, fit the pattern? Of a file that is there already: for exclusions. */
export function fitsGlob({ root, parts }: Glob, file: string): boolean {
  const relative = path.relative(root, file);
  if (relative.startsWith('..') || path.isAbsolute(relative)) return false;
  const names = relative.split(path.sep);
  const fits = (part: number, name: number): boolean => {
    if (part === parts.length) return name === names.length;
    const each = parts[part] as Part;
    if (each === '**') return fits(part + 1, name) || (name < names.length && fits(part, name + 1));
    if (name === names.length) return false;
    const text = names[name] as string;
    return (typeof each === 'string' ? each === text : each.test(text)) && fits(part + 1, name + 1);
  };
  return fits(0, 0);
}

class Walk {
  readonly files = new Set<string>();
  readonly problems: { path: string; says: string }[] = [];
  cut = false;
  /** The pattern at hand has a ** in it. */
  deep = false;
  private entries = 0;
  private readonly limits: GlobLimits;
  private readonly excluded: (file: string) => boolean;

  constructor(limits: GlobLimits, excluded: (file: string) => boolean) {
    this.limits = limits;
    this.excluded = excluded;
  }
  private add(file: string): void {
    if (this.excluded(file)) return;
    if (this.files.size >= this.limits.maxFiles) this.cut = true;
    else this.files.add(file);
  }
  async visit(folder: string, parts: readonly Part[], depth: number): Promise<void> {
    const [part, ...rest] = parts;
    if (part === undefined || this.cut) return;
    if (typeof part === 'string' && part !== '**') {
      const next = path.join(folder, part);
      if (rest.length > 0) await this.visit(next, rest, depth + 1);
      // It need not be a file: whoever opens it says what it is.
      else if (await lstat(next).catch(() => null)) this.add(next);
      return;
    }
    if (depth > MAX_DEPTH) return;
    const folders: string[] = [];
    if (!(await this.list(folder, part, rest, folders))) return;
    for (const each of folders) {
      await this.visit(each, part === '**' ? parts : rest, depth + 1);
      if (this.cut) return;
    }
    // ** stands for no folder too.
    if (part === '**') await this.visit(folder, rest, depth);
  }
  /** @param folders to go into, filled here @returns false when the folder cannot be listed */
  private async list(folder: string, part: RegExp | '**', rest: readonly Part[], folders: string[]): Promise<boolean> {
    try {
      for await (const entry of await opendir(folder, { bufferSize: 256 })) {
        if (++this.entries > this.limits.maxEntries) {
          this.cut = true;
          return true;
        }
        const file = path.join(folder, entry.name);
        if (part === '**') {
          if (entry.isDirectory() && !entry.name.startsWith('.')) folders.push(file);
        } else if (part.test(entry.name)) {
          if (rest.length === 0) {
            // A folder that fits is said to be none of the files; below ** everything fits.
            if (!this.deep || !entry.isDirectory()) this.add(file);
          } else if (entry.isDirectory() || entry.isSymbolicLink()) folders.push(file);
        }
      }
      folders.sort();
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Not there yet, or a link to a file where a folder was looked for: nothing fits there.
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && this.problems.length < MAX_PROBLEMS)
        this.problems.push({ path: folder, says: message });
      return false;
    }
  }
}

/** What fits the patterns now, each file once, by name. Never throws. */
export async function findFiles(globs: readonly Glob[], exclude: readonly Glob[], limits: GlobLimits): Promise<GlobResult> {
  const walk = new Walk(limits, (file) => exclude.some((glob) => fitsGlob(glob, file)));
  for (const { root, parts } of globs) {
    walk.deep = parts.includes('**');
    await walk.visit(root, parts, 0);
  }
  return { files: [...walk.files].sort(), problems: walk.problems, cut: walk.cut };
}
