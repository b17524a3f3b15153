import { describe, expect, it } from "vitest";

import { Failure } from "../../../api/console/src/api/errors";
import { TOKEN_STATUSES, type Token, type TokenStatus, typeOf, valueOf } from "../../../api/console/src/api/tokens";
import { describe as describeFailure, formErrors } from "../../../api/console/src/failures";
import { endOfDay } from "../../../api/console/src/format";
import { texts } from "../../../api/console/src/texts";
import { actionsFor } from "../../../api/console/src/token_actions";
import { userActions } from "../../../api/console/src/user_actions";
import { typeName } from "../../../api/console/src/type_name";
import { checkForm, emptyForm, FORM_FIELDS, newExpiryOf, newTokenOf } from "../../../api/console/src/token_form";
import { checkWebhookForm, emptyWebhookForm, webhookFieldsOf } from "../../../api/console/src/webhook_form";

const filled = { ...emptyForm(), name: "  Billing " };

describe("the token form", () => {
  it("sends what the API takes", () => {
    expect(newTokenOf({ ...filled, extension: "EXT-001", description: " ", externalId: "7" })).toEqual({
      name: "Billing",
      description: null,
      external_id: "7",
      extension: { id: "EXT-001" },
      expiration_date: null,
    });
  });

  it("gives a new value its day, or as long as the one had that is newest now", () => {
    const plain = { status: "active", expiration_date: "2030-01-01T00:00:00Z" } as Token;
    const renewed = { ...plain, status: "revitalised", renewed_expiration_date: "2031-01-01T00:00:00Z" } as Token;
    expect(newExpiryOf("", plain)).toEqual({});
    expect(newExpiryOf("", renewed)).toEqual({ expiration_date: "2031-01-01T00:00:00Z" });
    for (const token of [plain, renewed]) {
      expect(newExpiryOf("2032-05-06", token)).toEqual({ expiration_date: endOfDay("2032-05-06") });
    }
  });

  it("wants a label", () => {
    expect(checkForm({ ...emptyForm(), name: "  " })).toEqual({ name: texts.tokenForm.labelMissing });
    expect(checkForm(filled)).toEqual({});
  });

  it("counts characters as the server does, not UTF-16 units", () => {
    expect(checkForm({ ...filled, name: "🔑".repeat(128) })).toEqual({});
    expect(checkForm({ ...filled, name: "🔑".repeat(129) })).toEqual({ name: texts.tokenForm.tooLong(128) });
    expect(checkForm({ ...filled, description: "a".repeat(256) })).toHaveProperty("description");
    expect(checkForm({ ...filled, externalId: "a".repeat(129) })).toHaveProperty("external_id");
  });

  it("takes today and later as expiry", () => {
    const now = new Date(2026, 10, 23, 15);
    expect(checkForm({ ...filled, expires: "2026-11-23" }, now)).toEqual({});
    expect(checkForm({ ...filled, expires: "2026-11-22" }, now)).toHaveProperty("expiration_date");
  });

  it("takes no expiry that is not read as a day, and so would never come", () => {
    for (const expires of ["unfinished", "12026-11-23", "2026-11"]) {
      expect(checkForm({ ...filled, expires })).toEqual({ expiration_date: texts.tokenForm.expiresUnfinished });
    }
  });
});

describe("what a form shows of a failure", () => {
  it("puts messages at their fields, parts of a field included", () => {
    const failure = new Failure("invalid", "", { name: "Too long.", "extension.id": "There is none." });
    expect(formErrors(failure, FORM_FIELDS)).toEqual({
      message: "",
      fields: { name: "Too long.", extension: "There is none." },
    });
  });

  it("puts messages for fields that it has not above its buttons", () => {
    const failure = new Failure("invalid", "Odd.", { owner: "There is no such account." });
    expect(formErrors(failure, FORM_FIELDS)).toEqual({ message: "Odd. There is no such account.", fields: {} });
  });

  it("says what a conflict is where the server does", () => {
    expect(formErrors(new Failure("conflict", "The last owner."), [])).toEqual({ message: "The last owner.", fields: {} });
    const taken = new Failure("conflict", "", { email: "This e-mail address has a user." });
    expect(formErrors(taken, ["email"])).toEqual({ message: "", fields: { email: "This e-mail address has a user." } });
    expect(formErrors(new Failure("conflict", ""), []).message).toBe(texts.failures.conflict);
  });

  it("always says something", () => {
    expect(formErrors(new Failure("invalid", ""), FORM_FIELDS).message).toBe(texts.failures.invalid);
    expect(formErrors(new Failure("unreachable", ""), FORM_FIELDS).message).toBe(texts.failures.unreachable);
    expect(formErrors(new Error("a bug"), FORM_FIELDS).message).toBe(texts.failures.broken);
  });
});

describe("a failure in a sentence", () => {
  it("is the server's own where that says what is wrong", () => {
    expect(describeFailure(new Failure("invalid", "Odd.", { name: "Too long." }))).toBe("Odd. Too long.");
    expect(describeFailure(new Failure("conflict", "The last owner."))).toBe("The last owner.");
    expect(describeFailure(new Failure("conflict", ""))).toBe(texts.failures.conflict);
    expect(describeFailure(new Failure("forbidden", "no"))).toBe(texts.failures.forbidden);
  });

  it("says how long to wait", () => {
    expect(describeFailure(new Failure("throttled", "", {}, 30))).toContain("30 seconds");
    expect(describeFailure(new Failure("throttled", ""))).toBe(texts.failures.throttled);
    expect(describeFailure(new Failure("full", ""))).toContain("disk space");
  });
});

describe("a token", () => {
  it("has a key or a handle as its value", () => {
    expect(valueOf({ token: "SU-1:secret", handle: null, renewed_token: null })).toBe("SU-1:secret");
    expect(valueOf({ token: null, handle: "abc", renewed_token: null })).toBe("abc");
    expect(valueOf({ token: null, handle: null, renewed_token: null })).toBe("");
  });

  it("is given away with its new value once it is renewed", () => {
    expect(valueOf({ token: "SU-1:old", handle: null, renewed_token: "SU-1:new" })).toBe("SU-1:new");
  });

  it("offers what its status takes", () => {
    const offered = (status: TokenStatus) => actionsFor({ status }).map(({ value }) => value);
    expect(offered("pending")).toEqual(["edit", "remove"]);
    expect(offered("active")).toEqual(["disable", "rotate", "renew", "edit", "remove"]);
    expect(offered("inactive")).toEqual(["enable", "rotate", "edit", "remove"]);
    expect(offered("expired")).toEqual(["rotate", "edit", "remove"]);
    expect(offered("revitalised")).not.toContain("renew");
    for (const status of TOKEN_STATUSES) expect(texts.statuses[status]).not.toBe("");
  });

  it("of a type of one's own is told by that type's name, and has a key", () => {
    const own = { extension: { id: "EXT-123-456", name: "Partner link" } };
    expect([typeName(own), typeOf(own)]).toEqual(["Partner link", "custom"]);
  });

  it("is of a known type", () => {
    expect(typeOf({ extension: { id: "EXT-001", name: "zapier" } })).toBe("zapier");
    expect(typeOf({ extension: { id: "EXT-000", name: "custom" } })).toBe("custom");
    expect(typeName({ extension: { id: "EXT-000", name: "custom" } })).toBe(texts.types.custom.name);
  });
});

describe("a sentence", () => {
  it("keeps a name apart that is written the other way", () => {
    expect(texts.deletion.done("שלום")).toMatch(/^\u2068שלום\u2069 was deleted/);
  });
});

describe("a user", () => {
  it("is let in or kept out, as they are not already", () => {
    const offered = (status: "active" | "inactive") => userActions({ status }, false).map(({ value }) => value);
    expect(offered("active")).toEqual(["role", "password", "deactivate", "remove"]);
    expect(offered("inactive")).toEqual(["role", "password", "activate", "remove"]);
  });

  it("is given no new password by themselves, for they change their own", () => {
    expect(userActions({ status: "active" }, true).map(({ value }) => value)).toEqual(["role", "deactivate", "remove"]);
  });
});

describe("the webhook form", () => {
  const filled = { ...emptyWebhookForm(), label: "Orders", url: "https://example.com/hook" };

  it("sends what the API takes", () => {
    const form = { ...filled, headers: "X-Team: a:b\n\nX-Empty:", data: '{"a": 1}', description: " " };
    expect(checkWebhookForm(form)).toEqual({});
    expect(webhookFieldsOf(form)).toMatchObject({
      label: "Orders",
      description: null,
      headers: { "X-Team": "a:b", "X-Empty": "" },
      data: { a: 1 },
    });
  });

  it("takes no address, header and data that are none", () => {
    const errors = checkWebhookForm({ ...filled, url: "example.com", headers: "none", data: "[]", label: " " });
    expect(Object.keys(errors).sort()).toEqual(["data", "external_url", "headers", "label"]);
    for (const data of ["null", "1", "{", '"text"']) {
      expect(checkWebhookForm({ ...filled, data })).toHaveProperty("data");
    }
  });
});
