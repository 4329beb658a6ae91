/** What each service does for a request, as call trees with latencies in milliseconds (median of a lognormal). */
export type Step =
  | { readonly kind: 'work'; readonly ms: number }
  | {
      readonly kind: 'call';
      readonly service: string;
      readonly operation: string;
      readonly timeoutMs: number;
      readonly retries: number;
      /** The caller goes on without the answer. */
      readonly optional: boolean;
      readonly chance: number;
    }
  | {
      readonly kind: 'query';
      readonly store: string;
      readonly verb: string;
      readonly target: string;
      readonly text: string;
      readonly ms: number;
      readonly sigma: number;
      readonly chance: number;
    }
  | {
      readonly kind: 'external';
      readonly peer: string;
      readonly method: string;
      readonly path: string;
      readonly ms: number;
      readonly optional: boolean;
      readonly retries: number;
    }
  | { readonly kind: 'publish'; readonly topic: string }
  | { readonly kind: 'together'; readonly steps: readonly Step[] };
export interface OperationSpec {
  readonly service: string;
  readonly name: string;
  readonly protocol: 'http' | 'grpc' | 'consumer' | 'job';
  readonly method: string;
  /** http.route with {names}, or the gRPC method. */
  readonly route: string;
  readonly selfMs: number;
  readonly steps: readonly Step[];
  /** Probability of an error of the service's own. */
  readonly errorChance: number;
}
const call = (
  service: string,
  operation: string,
  more: Partial<{ timeoutMs: number; retries: number; optional: boolean; chance: number }> = {},
): Step => ({
  kind: 'call',
  service,
  operation,
  timeoutMs: 3000,
  retries: 0,
  optional: false,
  chance: 1,
  ...more,
});
const sql = (store: string, verb: string, target: string, text: string, ms: number, chance = 1, sigma = 0.45): Step => ({
  kind: 'query',
  store,
  verb,
  target,
  text,
  ms,
  sigma,
  chance,
});
const redis = (verb: string, text: string, ms = 0.6): Step => ({
  kind: 'query',
  store: 'redis',
  verb,
  target: '',
  text,
  ms,
  sigma: 0.35,
  chance: 1,
});
const together = (...steps: Step[]): Step => ({ kind: 'together', steps });
const http = (service: string, method: string, route: string, selfMs: number, errorChance: number, ...steps: Step[]): OperationSpec => ({
  service,
  name: `${method} ${route}`,
  protocol: 'http',
  method,
  route,
  selfMs,
  steps,
  errorChance,
});
const grpc = (service: string, method: string, selfMs: number, errorChance: number, ...steps: Step[]): OperationSpec => ({
  service,
  name: `shop.${service}.v1.${method}`,
  protocol: 'grpc',
  method,
  route: `shop.${service}.v1.${method}`,
  selfMs,
  steps,
  errorChance,
});
const consumer = (service: string, selfMs: number, ...steps: Step[]): OperationSpec => ({
  service,
  name: 'process order-events',
  protocol: 'consumer',
  method: 'process',
  route: 'order-events',
  selfMs,
  steps,
  errorChance: 0.001,
});
const job = (service: string, name: string, selfMs: number): OperationSpec => ({
  service,
  name,
  protocol: 'job',
  method: '',
  route: name,
  selfMs,
  steps: [],
  errorChance: 0,
});

const quote = call('pricing', 'shop.pricing.v1.Pricing/Quote', { retries: 1 });
const quoteMany = call('pricing', 'shop.pricing.v1.Pricing/QuoteMany', { retries: 1 });
const session = (chance: number): Step => call('accounts', 'GET /sessions/{sessionId}', { chance, timeoutMs: 2000 });
const recommend = (chance: number): Step => call('recommendations', 'GET /recommendations', { optional: true, chance, timeoutMs: 800 });

export const OPERATIONS: readonly OperationSpec[] = [
  http('storefront', 'GET', '/', 3.5, 0.0004, session(0.35), together(call('catalog', 'GET /products'), recommend(1))),
  http(
    'storefront',
    'GET',
    '/products/{productId}',
    4,
    0.0005,
    call('catalog', 'GET /products/{productId}', { retries: 1 }),
    together(quote, call('inventory', 'shop.inventory.v1.Inventory/Availability', { timeoutMs: 2000 }), recommend(0.6)),
  ),
  http('storefront', 'GET', '/search', 5, 0.0006, call('catalog', 'GET /search'), quoteMany),
  http('storefront', 'POST', '/cart/items', 3, 0.0005, call('cart', 'POST /carts/{cartId}/items')),
  http('storefront', 'GET', '/cart', 3, 0.0004, together(call('cart', 'GET /carts/{cartId}', { retries: 1 }), session(0.7)), quoteMany),
  http('storefront', 'POST', '/checkout', 4, 0.0008, session(1), call('checkout', 'POST /orders', { timeoutMs: 9000 })),
  http('storefront', 'POST', '/login', 3, 0.0006, call('accounts', 'POST /sessions')),

  http(
    'checkout',
    'POST',
    '/orders',
    6,
    0.0015,
    call('cart', 'GET /carts/{cartId}', { retries: 1 }),
    quoteMany,
    call('inventory', 'shop.inventory.v1.Inventory/Reserve'),
    sql('orders-db', 'INSERT', 'orders', 'INSERT INTO orders (id, tenant, customer, total, currency) VALUES ($1, $2, $3, $4, $5)', 4.5),
    call('payments', 'POST /payments', { timeoutMs: 6000 }),
    call('shipping', 'shop.shipping.v1.Shipping/CreateShipment'),
    sql('orders-db', 'UPDATE', 'orders', 'UPDATE orders SET state = $1 WHERE id = $2', 3.2),
    { kind: 'publish', topic: 'order-events' },
  ),

  http('cart', 'GET', '/carts/{cartId}', 0.9, 0.0008, redis('HGETALL', 'HGETALL cart:?')),
  http(
    'cart',
    'POST',
    '/carts/{cartId}/items',
    1.2,
    0.001,
    call('inventory', 'shop.inventory.v1.Inventory/Availability', { timeoutMs: 2000 }),
    quote,
    redis('HSET', 'HSET cart:? ? ?'),
  ),

  http(
    'catalog',
    'GET',
    '/products',
    4,
    0.0008,
    redis('GET', 'GET catalog:featured:?'),
    sql(
      'catalog-db',
      'SELECT',
      'products',
      'SELECT id, title, price_id FROM products WHERE tenant = $1 AND featured ORDER BY rank LIMIT 24',
      7,
      0.2,
    ),
  ),
  http(
    'catalog',
    'GET',
    '/products/{productId}',
    3,
    0.001,
    redis('GET', 'GET catalog:product:?'),
    sql('catalog-db', 'SELECT', 'products', 'SELECT * FROM products WHERE tenant = $1 AND id = $2', 2.8, 0.4),
  ),
  http(
    'catalog',
    'GET',
    '/search',
    6,
    0.0012,
    sql(
      'catalog-db',
      'SELECT',
      'product_search',
      'SELECT id, ts_rank(document, query) FROM product_search, plainto_tsquery($1) query WHERE tenant = $2 AND document @@ query LIMIT 48',
      16,
      1,
      0.55,
    ),
  ),

  grpc(
    'pricing',
    'Pricing/Quote',
    0.8,
    0.0008,
    redis('GET', 'GET price:?'),
    sql('catalog-db', 'SELECT', 'prices', 'SELECT amount, currency FROM prices WHERE id = $1 AND valid_from <= $2', 2.2, 0.2),
  ),
  grpc(
    'pricing',
    'Pricing/QuoteMany',
    1.6,
    0.001,
    redis('MGET', 'MGET price:? price:? price:?', 0.9),
    sql('catalog-db', 'SELECT', 'prices', 'SELECT id, amount, currency FROM prices WHERE id = ANY($1)', 4, 0.3),
  ),

  grpc(
    'inventory',
    'Inventory/Availability',
    2,
    0.0009,
    sql('orders-db', 'SELECT', 'stock', 'SELECT quantity - reserved FROM stock WHERE product_id = $1 AND tenant = $2', 2.4),
  ),
  grpc(
    'inventory',
    'Inventory/Reserve',
    3.2,
    0.002,
    sql(
      'orders-db',
      'UPDATE',
      'stock',
      'UPDATE stock SET reserved = reserved + $1 WHERE product_id = $2 AND quantity - reserved >= $1',
      5.2,
    ),
  ),

  http(
    'payments',
    'POST',
    '/payments',
    5,
    0.0015,
    sql('orders-db', 'SELECT', 'payment_methods', 'SELECT token, scheme FROM payment_methods WHERE customer = $1', 2.6),
    { kind: 'external', peer: 'api.cardbridge.example', method: 'POST', path: '/v2/authorizations', ms: 185, optional: false, retries: 0 },
    sql('orders-db', 'INSERT', 'payments', 'INSERT INTO payments (id, order_id, authorization, amount) VALUES ($1, $2, $3, $4)', 3.8),
  ),

  grpc(
    'shipping',
    'Shipping/CreateShipment',
    3,
    0.001,
    { kind: 'external', peer: 'labels.parcelway.example', method: 'POST', path: '/shipments', ms: 70, optional: false, retries: 1 },
    sql('orders-db', 'INSERT', 'shipments', 'INSERT INTO shipments (id, order_id, carrier, label) VALUES ($1, $2, $3, $4)', 3.4),
  ),

  http('accounts', 'GET', '/sessions/{sessionId}', 1.8, 0.0006, redis('GET', 'GET session:?')),
  http(
    'accounts',
    'POST',
    '/sessions',
    58,
    0.001,
    sql('accounts-db', 'SELECT', 'customers', 'SELECT id, password_hash FROM customers WHERE tenant = $1 AND email = $2', 3),
    redis('SETEX', 'SETEX session:? 86400 ?'),
  ),

  http('recommendations', 'GET', '/recommendations', 11, 0.002, redis('ZREVRANGE', 'ZREVRANGE rec:? 0 11', 0.9)),

  consumer('fulfilment', 8, sql('orders-db', 'UPDATE', 'orders', 'UPDATE orders SET state = $1, picked_at = $2 WHERE id = $3', 3.4)),
  consumer('notifications', 5, {
    kind: 'external',
    peer: 'smtp.mailrelay.example',
    method: 'POST',
    path: '/v1/messages',
    ms: 48,
    optional: true,
    retries: 1,
  }),

  job('report-builder', 'build sales report', 2600),
  job('image-resizer', 'resize product images', 1400),
];
/** Requests arriving at the front, with their share of the traffic. */
export const ENTRY_MIX: readonly { readonly operation: string; readonly share: number }[] = [
  { operation: 'GET /', share: 0.19 },
  { operation: 'GET /products/{productId}', share: 0.36 },
  { operation: 'GET /search', share: 0.12 },
  { operation: 'POST /cart/items', share: 0.1 },
  { operation: 'GET /cart', share: 0.08 },
  { operation: 'POST /checkout', share: 0.09 },
  { operation: 'POST /login', share: 0.06 },
];
