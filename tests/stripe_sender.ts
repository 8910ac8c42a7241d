/** Signed Stripe webhooks with known sums, sent again until they are acknowledged, as Stripe would. */
import { createHmac } from "node:crypto";

export const STRIPE_SECRET = "whsec_test_0123456789abcdef";

export interface StripePayment {
  id: string;
  payment: string;
  amount_minor: number;
  created_s: number;
  user: string;
}

export function stripeBody(payment: StripePayment): string {
  return JSON.stringify({
    id: payment.id,
    object: "event",
    api_version: "2026-01-28",
    created: payment.created_s,
    type: "payment_intent.succeeded",
    livemode: false,
    pending_webhooks: 1,
    data: {
      object: {
        id: payment.payment,
        object: "payment_intent",
        amount: payment.amount_minor,
        amount_received: payment.amount_minor,
        currency: "eur",
        customer: payment.user,
        created: payment.created_s,
        status: "succeeded",
        payment_method_types: ["card"],
        metadata: {},
      },
    },
  });
}

export function stripeSignature(body: string, now_s: number, secret = STRIPE_SECRET): string {
  return `t=${now_s},v1=${createHmac("sha256", secret).update(`${now_s}.${body}`).digest("hex")}`;
}

/** Sends one webhook; true when it was acknowledged, false when nobody answered or the answer was 5xx. */
export async function sendStripe(url: string, body: string, secret = STRIPE_SECRET): Promise<boolean> {
  const now_s = Math.floor(Date.now() / 1000);
  const headers = {
    "content-type": "application/json",
    "stripe-signature": stripeSignature(body, now_s, secret),
  };
  let answer: Response;
  try {
    answer = await fetch(`${url}/hooks/stripe`, { method: "POST", headers, body });
  } catch (error) {
    // No answer: the sender of a real webhook would try again.
    if (error instanceof TypeError) return false;
    throw error;
  }
  await answer.body?.cancel().catch(() => undefined);
  if (answer.status === 202) return true;
  if (answer.status >= 500) return false;
  throw new Error(`the door answered ${answer.status}`);
}
