// Whether a webhook's message is ours and fresh (Standard Webhooks).
import type { HappenedEvent } from "./calls.js";

const TOLERANCE = 300; // seconds

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

/** The event in a message whose signature holds; throws where none does, or where it is old. */
export async function verified(
  secret: string,
  headers: Record<string, string>,
  body: string,
  now: number = Date.now() / 1000,
): Promise<HappenedEvent> {
  const stamp = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]+$/.test(stamp) || Math.abs(now - Number(stamp)) > TOLERANCE) {
    throw new Error("The timestamp is over five minutes from ours");
  }
  const secretBytes = bytes(secret.replace(/^whsec_/, ""));
  const key = await crypto.subtle.importKey("raw", secretBytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const signed = new TextEncoder().encode(`${headers["webhook-id"]}.${stamp}.${body}`);
  for (const one of (headers["webhook-signature"] ?? "").split(" ")) {
    if (one.startsWith("v1,") && (await crypto.subtle.verify("HMAC", key, bytes(one.slice(3)), signed))) {
      return JSON.parse(body) as HappenedEvent;
    }
  }
  throw new Error("No signature is of this secret");
}
