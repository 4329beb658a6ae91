import { shownText } from '#query/rules/go-format.ts';
import { beneath, isObject, type TemplateValue } from '#query/rules/go-value.ts';
import type { TemplateOutput } from '#query/rules/template-run.ts';
import { ESCAPED_URL, SAFE_HTML, SAFE_URL } from './notification-functions.ts';

/** What html/template writes where a value must not stand. */
const REFUSED = 'ZgotmplZ';
type State = 'text' | 'comment' | 'tag' | 'name' | 'before-value' | 'value' | 'raw';
const ESCAPED: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  '&': '&amp;',
  "'": '&#39;',
  '+': '&#43;',
  '<': '&lt;',
  '>': '&gt;',
};
const escapeText = (text: string): string => text.replace(/[\0"&'+<>]/g, (c) => ESCAPED[c] as string);
/** In an attribute without quotes whatever would end it is escaped too. */
const escapeBare = (text: string): string =>
  text === '' ? REFUSED : text.replace(/[\0"&'+<>\t\n\v\f\r =`]/g, (c) => ESCAPED[c] ?? `&#${c.charCodeAt(0)};`);
const URL_NAMES = new Set(
  'action archive background cite classid codebase data formaction href icon longdesc manifest poster profile src usemap xmlns'.split(' '),
);
/** Elements whose content is no markup, and those of them whose content is text. */
const RAW = new Set(['script', 'style', 'title', 'textarea']);
const RAW_TEXT = new Set(['title', 'textarea']);
const percent = (text: string, kept: RegExp): string => {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    const isEscape = c === '%' && kept === NORMAL && /^%[\da-f]{2}/i.test(text.slice(i, i + 3));
    if (kept.test(c) || isEscape) out += c;
    else {
      const point = String.fromCodePoint(text.codePointAt(i) as number);
      const escaped = encodeURIComponent(point.replace(/[\ud800-\udfff]/gu, '\ufffd')).toLowerCase();
      out += escaped.startsWith('%') ? escaped : `%${c.charCodeAt(0).toString(16)}`;
      i += point.length - 1;
    }
  }
  return out;
};
const NORMAL = /[\w\-.~!#$&*+,/:;=?@[\]]/;
const UNRESERVED = /[\w\-.~]/;
const isSafeUrl = (text: string): boolean => {
  const scheme = /^([^:]*):/.exec(text)?.[1];
  return scheme === undefined || scheme.includes('/') || /^(?:https?|mailto)$/i.test(scheme);
};

/**
 * Values are escaped by where they stand, as html/template does it: text, attributes, addresses, styles, scripts. Looked at is what is
 * written, piece by piece; what Go refuses when it reads a template (a value in two contexts at once) is written here.
 */
export class HtmlOutput implements TemplateOutput {
  private state: State = 'text';
  private element = '';
  private attribute = '';
  /** Of the value at hand: '"', "'" or '' for none. */
  private quote = '';
  /** The value so far. */
  private written = '';

  literal(text: string): string {
    this.feed(text);
    return text;
  }
  value(value: TemplateValue): string {
    const type = isObject(value) ? value.type : '';
    const plain = shownText(beneath(value));
    const out = this.escaped(plain, type);
    if (this.state === 'value') this.written += out;
    return out;
  }
  private escaped(plain: string, type: string): string {
    switch (this.state) {
      case 'text':
        return type === SAFE_HTML ? plain : escapeText(plain);
      case 'comment':
        return '';
      case 'raw':
        if (RAW_TEXT.has(this.element)) return escapeText(plain);
        return this.element === 'style' ? styleValue(plain) : scriptValue(plain);
      case 'tag':
      case 'name':
        return /^[a-z\d]+$/i.test(plain) && !/^(?:on|style)/i.test(plain) && !URL_NAMES.has(plain.toLowerCase()) ? plain : REFUSED;
      default:
        return this.attributeValue(plain, type);
    }
  }
  private attributeValue(plain: string, type: string): string {
    if (this.state === 'before-value') {
      this.state = 'value';
      this.quote = '';
    }
    const escaped = this.quote === '' ? escapeBare : escapeText;
    const name = this.attribute.replace(/^xlink:/, '').replace(/^data-/, '');
    if (name.startsWith('on')) return escaped(scriptValue(plain));
    if (name === 'style') return escaped(styleValue(plain));
    if (!URL_NAMES.has(name) && !/src|uri|url/.test(name)) return escaped(type === SAFE_HTML ? plain.replace(/<[^>]*>/g, '') : plain);
    if (type === ESCAPED_URL) return escaped(plain);
    if (/[?#]/.test(this.written)) return escaped(percent(plain, type === SAFE_URL ? NORMAL : UNRESERVED));
    const isStart = this.written.trim() === '' && type !== SAFE_URL;
    return escaped(isStart && !isSafeUrl(plain) ? `#${REFUSED}` : percent(plain, NORMAL));
  }

  private feed(text: string): void {
    let at = 0;
    while (at < text.length) at = this.step(text, at);
  }
  /** @returns where to go on */
  private step(text: string, at: number): number {
    const find = (pattern: RegExp): RegExpExecArray | null => {
      pattern.lastIndex = at;
      return pattern.exec(text);
    };
    switch (this.state) {
      case 'text': {
        const found = find(/<(?:!--|(\/?[a-zA-Z][^\s/>]*))/g);
        if (!found) return text.length;
        this.state = found[1] === undefined ? 'comment' : 'tag';
        this.element = (found[1] ?? '').toLowerCase();
        return found.index + found[0].length;
      }
      case 'comment': {
        const found = find(/-->/g);
        if (found) this.state = 'text';
        return found ? found.index + 3 : text.length;
      }
      case 'raw': {
        const found = find(new RegExp(`</(?=${this.element}[\\s/>])`, 'gi'));
        if (found) this.state = 'text';
        return found ? found.index : text.length;
      }
      case 'tag': {
        const found = find(/[^\s/]/g);
        if (!found) return text.length;
        if (found[0] === '>') {
          this.state = RAW.has(this.element) ? 'raw' : 'text';
          return found.index + 1;
        }
        this.attribute = '';
        this.state = 'name';
        return found.index;
      }
      case 'name': {
        const found = find(/[^\s=>/]*/y) as RegExpExecArray;
        this.attribute += found[0].toLowerCase();
        const end = at + found[0].length;
        if (end >= text.length) return end;
        const next = /^\s*=/.exec(text.slice(end))?.[0];
        this.state = next === undefined ? 'tag' : 'before-value';
        return end + (next?.length ?? 0);
      }
      case 'before-value': {
        const found = find(/\S/g);
        if (!found) return text.length;
        this.quote = found[0] === '"' || found[0] === "'" ? found[0] : '';
        this.written = '';
        this.state = 'value';
        return found.index + this.quote.length;
      }
      case 'value': {
        const end = this.quote === '' ? find(/[\s>]/g)?.index : text.indexOf(this.quote, at);
        const isEnd = end !== undefined && end >= 0;
        this.written += text.slice(at, isEnd ? end : undefined);
        if (!isEnd) return text.length;
        this.state = 'tag';
        return end + this.quote.length;
      }
    }
  }
}
/** Words, numbers and colours; nothing that ends a declaration or calls. */
const styleValue = (text: string): string => (/^[\w\s.#%,-]*$/.test(text) && !/expression|mozbinding/i.test(text) ? text : REFUSED);
/** A string of JavaScript; nothing in it ends a script or its quotes. */
const scriptValue = (text: string): string =>
  JSON.stringify(text).replace(/[<>&'\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
