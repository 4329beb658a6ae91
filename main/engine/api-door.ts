import type { MigrationNews } from '#contracts/migration.ts';
import type { Settings } from '#contracts/settings.ts';
import { carryHttp, type HttpCarrier } from '#main/api/carriers/http.ts';
import { createStartingApi } from '#main/api/create-starting-api.ts';

type App = Parameters<typeof carryHttp>[0];
export interface ApiDoorOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly log: (line: string) => void;
}
/**
 * The one socket of the API. It opens with the engine, or earlier, when there is something to wait for: then it says what,
 * to a page that is open or opened meanwhile, and goes on with the real API without closing.
 */
export class ApiDoor {
  private readonly options: ApiDoorOptions;
  private app: App | null = null;
  private news: MigrationNews | null = null;
  private carrier: Promise<HttpCarrier> | null = null;

  constructor(options: ApiDoorOptions) {
    this.options = options;
  }
  /** What is being waited for, and how far it is. */
  tell(news: MigrationNews): void {
    this.news = news;
    if (this.carrier) return;
    const { settings, log } = this.options;
    this.app = createStartingApi({ ...this.options, news: () => this.news as MigrationNews });
    this.carrier = this.listen();
    this.carrier.then(
      ({ url }) => settings.ui && log(`${url} shows how far it is`),
      // The start ends with it, once it comes to the real API.
      () => undefined,
    );
  }
  /** @throws FaultlineError port_taken */
  open(app: App): Promise<HttpCarrier> {
    this.app = app;
    this.carrier ??= this.listen();
    return this.carrier;
  }
  async close(): Promise<void> {
    await this.carrier?.then((carrier) => carrier.close()).catch(() => undefined);
  }
  private listen(): Promise<HttpCarrier> {
    return carryHttp({ fetch: (...args) => (this.app as App).fetch(...args) }, this.options.settings.api);
  }
}
