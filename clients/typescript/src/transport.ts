// How a call is made: what is sent again, and what an error says. Nothing but what Node.js 20, Deno and browsers have.

export interface Problem {
  type?: string;
  title?: string;
  detail?: string;
  what_to_do?: string;
  code?: string;
  field?: string | null;
  request_id?: string;
}

/** The API refused, or could not answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(`${status} ${problem.code ?? ""}: ${problem.detail ?? "no answer"} ${problem.what_to_do ?? ""}`.trim());
  }
}

export interface Options {
  /** The installation's address. */
  url: string;
  /** The account's UUID. */
  account: string;
  /** A bearer key. */
  key: string;
  fetch?: typeof fetch;
  sleep?: (seconds: number) => Promise<void>;
}

interface Sent {
  query?: object;
  body?: unknown;
  idempotencyKey?: string;
}

interface Page<Row> {
  data: Row[];
  links: { next?: string | null };
}

const TRIES = 4;
const AGAIN = new Set([429, 500, 502, 503, 504]);
const LONGEST_WAIT = 60; // seconds of Retry-After that are waited for

export class Transport {
  private readonly base: string;
  private readonly fetch: typeof fetch;
  private readonly sleep: (seconds: number) => Promise<void>;

  constructor(private readonly options: Options) {
    this.base = `${options.url.replace(/\/+$/, "")}/api/${options.account}/`;
    this.fetch = options.fetch ?? fetch;
    this.sleep = options.sleep ?? ((seconds) => new Promise((done) => setTimeout(done, seconds * 1000)));
  }

  /** What the API answers. A write has an Idempotency-Key, so that it may be sent again and is done once. */
  protected async call<Answer>(verb: string, path: string, sent: Sent = {}): Promise<Answer> {
    const asked = new URLSearchParams();
    for (const [name, value] of Object.entries(sent.query ?? {})) {
      // of an object each name of its own, such as field.Depot
      const given = typeof value === "object" && value !== null ? Object.entries(value) : [[name, value]];
      for (const [one, of] of given) if (of !== undefined && of !== null) asked.set(String(one), String(of));
    }
    const query = asked.toString();
    return this.ask<Answer>(verb, this.base + path + (query ? `?${query}` : ""), sent);
  }

  /** Every row of a list, page by page. */
  protected async *pages<Row>(path: string, query: object): AsyncGenerator<Row> {
    let page = await this.call<Page<Row>>("GET", path, { query: { per_page: 1000, ...query } });
    for (;;) {
      yield* page.data;
      const next = page.links.next;
      if (!next) return;
      if (new URL(next).origin !== new URL(this.base).origin) {
        throw new ApiError(0, { detail: "The link leads elsewhere; it is not told the key" });
      }
      page = await this.ask<Page<Row>>("GET", next, {});
    }
  }

  private async ask<Answer>(verb: string, address: string, sent: Sent): Promise<Answer> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.options.key}`, Accept: "application/json" };
    let body: string | undefined;
    if (verb !== "GET") {
      headers["Content-Type"] = "application/json";
      headers["Idempotency-Key"] = sent.idempotencyKey ?? crypto.randomUUID();
      body = JSON.stringify(sent.body ?? {});
    }
    for (let number = 1; ; number++) {
      let failed: ApiError;
      let wait = 2 ** (number - 1);
      try {
        const answer = await this.fetch(address, { method: verb, headers, body });
        if (answer.ok) return (await answer.json()) as Answer;
        failed = new ApiError(answer.status, (await answer.json().catch(() => ({}))) as Problem);
        wait = Number(answer.headers.get("Retry-After") ?? wait);
        if (!AGAIN.has(answer.status) || wait > LONGEST_WAIT) throw failed;
      } catch (error) {
        if (error instanceof ApiError) {
          if (!AGAIN.has(error.status) || wait > LONGEST_WAIT) throw error;
          failed = error;
        } else {
          failed = new ApiError(0, { detail: `No answer: ${error}` });
        }
      }
      if (number === TRIES) throw failed;
      await this.sleep(wait);
    }
  }
}
