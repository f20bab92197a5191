// The page and the library in a real browser against the mock gateway: `npm run page`.
// Screenshots go to the folder that the first argument names, if any.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { MockGateway } from "../mock/gateway.mjs";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const shots = process.argv[2];
const found = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const executablePath = found.find((path) => path && existsSync(path));
if (!executablePath) {
  console.error("no Chromium: install the package chromium, or name it in CHROMIUM");
  process.exit(1);
}
if (shots) mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
  ],
});
const problems = [];

async function open(
  gateway,
  { as, width = 1180, height = 820, dark = false, query = "debug" } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    permissions: ["microphone", "camera"],
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !/favicon|404/.test(text)) problems.push(text);
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  if (as) {
    // The mock takes the user from the address of the socket.
    await page.addInitScript((name) => {
      const Native = WebSocket;
      window.WebSocket = function (url, protocol) {
        return new Native(`${url}?as=${name}`, protocol);
      };
    }, as);
  }
  await page.goto(`${gateway.url}/?${query}`);
  return page;
}

/** A page that answers every call and sends back what it hears. */
async function echoPhone(gateway, { after = 0 } = {}) {
  const page = await open(gateway, { as: "echo" });
  await page.waitForFunction(() => window.crosspoint?.state === "connected");
  await page.evaluate((after) => {
    window.crosspoint.on("incoming", async (call) => {
      await new Promise((resolve) => setTimeout(resolve, after));
      await call.accept({ video: false }).catch(() => {});
    });
  }, after);
  return page;
}

const shoot = async (page, name) => {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
};
const state = (page, wanted) =>
  page.waitForSelector(`.one[data-state="${wanted}"]`, { timeout: 10_000 });
const sound = (page) =>
  page.waitForSelector('.one[data-state="established"][data-path="connected"]', {
    timeout: 15_000,
  });
const bytes = (page) =>
  page.evaluate(async () => (await window.crosspointPage.lastCall.details()).bytesReceived);
const flows = async (page) => {
  const before = await bytes(page);
  await page.waitForFunction(
    async (before) =>
      (await window.crosspointPage.lastCall.details()).bytesReceived > before + 2000,
    before,
    { timeout: 10_000 },
  );
};
const ufrag = (page) =>
  page.evaluate(
    () =>
      /ice-ufrag:(\S+)/.exec(window.crosspointPage.lastCall.peerConnection.localDescription.sdp)[1],
  );

const cases = {
  async "idle, on wide and narrow screens"(gateway) {
    for (const [name, options] of [
      ["idle-wide", {}],
      ["idle-dark", { dark: true }],
      ["idle-360", { width: 360, height: 740 }],
      ["idle-320", { width: 320, height: 640 }],
    ]) {
      const page = await open(gateway, options);
      await page.waitForSelector('#dot[data-state="connected"]');
      const { scroll, width } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        width: innerWidth,
      }));
      assert.ok(scroll <= width, `${name}: wider than the screen (${scroll} of ${width})`);
      await shoot(page, name);
      await page.context().close();
    }
  },

  async "call the echo phone, hear it, press keys, end it"(gateway) {
    const phone = await echoPhone(gateway, { after: 1200 });
    const page = await open(gateway);
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.focus("#to");
    await page.keyboard.press("Enter");
    await state(page, "ringing");
    await shoot(page, "ringing-wide");
    await sound(page);
    await flows(page);
    await page.waitForFunction(
      () => parseInt(document.querySelector(".level i").style.getPropertyValue("--level")) > 5,
    );
    await page.click('[data-action="details"]');
    await page.waitForFunction(() => /opus/.test(document.querySelector(".facts").textContent));
    await page.click('[data-action="keys"]');
    await page.keyboard.press("5");
    await page.keyboard.press("#");
    assert.equal(await page.textContent(".pressed"), "5#");
    await shoot(page, "in-call-wide");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#past li");
    await phone.waitForSelector("#past li");
    assert.match(await page.textContent("#past li"), /The call has ended/);
    await shoot(page, "ended-wide");
    await page.context().close();
    await phone.context().close();
  },

  async "hold, mute and resume"(gateway) {
    const phone = await echoPhone(gateway);
    const page = await open(gateway, { width: 360, height: 740 });
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.click("#call");
    await sound(page);
    await page.click('[data-action="hold"]');
    await page.waitForFunction(() => /On hold/.test(document.querySelector(".state").textContent));
    await phone.waitForFunction(() =>
      /put you on hold/.test(document.querySelector(".state").textContent),
    );
    await shoot(page, "held-360");
    await page.waitForTimeout(600);
    const before = await bytes(page);
    await page.waitForTimeout(1000);
    assert.ok((await bytes(page)) - before < 500, "nothing is received while on hold");
    await page.click('[data-action="hold"]');
    await flows(page);
    await page.click('[data-action="mute"]');
    await page.waitForFunction(() => /muted/.test(document.querySelector(".state").textContent));
    await shoot(page, "in-call-360");
    await page.context().close();
    await phone.context().close();
  },

  async "be called, and answer with the keyboard"(gateway) {
    const caller = await open(gateway, { as: "carol" });
    const page = await open(gateway, { as: "alice", width: 360, height: 740 });
    const wide = await open(gateway, { as: "alice", dark: true });
    await wide.waitForSelector('#dot[data-state="connected"]');
    await page.waitForSelector('#dot[data-state="connected"]');
    await caller.evaluate(() => {
      window.crosspoint.call("user:alice", { displayName: "Carol Danvers", video: true });
    });
    await state(page, "incoming");
    await state(wide, "incoming");
    await shoot(page, "incoming-360");
    await shoot(wide, "incoming-dark");
    await page.focus('[data-action="answer-video"]');
    await page.keyboard.press("Enter");
    await sound(page);
    await wide.waitForSelector("#past li");
    assert.match(await wide.textContent("#past li"), /answered on another device/);
    await page.waitForFunction(() => document.querySelector(".pictures video").videoWidth > 0);
    await shoot(page, "video-360");
    await page.click('[data-action="video"]');
    await page.waitForFunction(() => !window.crosspointPage.lastCall.sendsVideo);
    await page.click('[data-action="video"]');
    await page.waitForFunction(() => window.crosspointPage.lastCall.sendsVideo);
    await shoot(caller, "video-wide");
    for (const one of [caller, page, wide]) await one.context().close();
  },

  async "two meet by a word"(gateway) {
    const first = await open(gateway, { as: "one" });
    await first.waitForSelector('#dot[data-state="connected"]');
    await first.fill("#to", "join:apple");
    await first.click("#call");
    await state(first, "calling");
    const second = await open(gateway, { as: "two" });
    await second.waitForSelector('#dot[data-state="connected"]');
    await second.fill("#to", "join:apple");
    await second.click("#call");
    await sound(first);
    await sound(second);
    await flows(first);
    await flows(second);
    await first.context().close();
    await second.context().close();
  },

  async "a lost socket changes nothing, and is told"(gateway) {
    const phone = await echoPhone(gateway);
    const page = await open(gateway);
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.click("#call");
    await sound(page);
    gateway.cut("anonymous");
    await page.waitForSelector("#banner:not([hidden])");
    await shoot(page, "reconnecting-wide");
    await page.waitForSelector('#dot[data-state="connected"]');
    await flows(page);
    await page.click('[data-action="end"]');
    await phone.waitForSelector("#past li");
    await page.context().close();
    await phone.context().close();
  },

  async "ICE restart: a new ufrag, and the sound goes on"(gateway) {
    const phone = await echoPhone(gateway);
    const page = await open(gateway);
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.click("#call");
    await sound(page);
    const before = await ufrag(page);
    await page.evaluate(() => window.crosspointPage.lastCall.restartIce());
    assert.notEqual(await ufrag(page), before);
    await flows(page);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    const second = await ufrag(page);
    await page.waitForFunction(
      (old) => !window.crosspointPage.lastCall.peerConnection.localDescription.sdp.includes(old),
      `ice-ufrag:${second}`,
    );
    await sound(page);
    await flows(page);
    await page.context().close();
    await phone.context().close();
  },

  async "both sides change the call at once"(gateway) {
    const phone = await echoPhone(gateway);
    const page = await open(gateway);
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.click("#call");
    await sound(page);
    await Promise.all(
      [page, phone].map((one) => one.evaluate(() => window.crosspointPage.lastCall.restartIce())),
    );
    await flows(page);
    await flows(phone);
    await page.context().close();
    await phone.context().close();
  },

  async "a reloaded page has its call again, held as it was"(gateway) {
    const phone = await echoPhone(gateway);
    const page = await open(gateway);
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.click("#call");
    await sound(page);
    await page.reload();
    await sound(page);
    await flows(page);
    await flows(phone);
    await page.click('[data-action="hold"]');
    await phone.waitForFunction(() => window.crosspointPage.lastCall.held.there);
    await page.reload();
    await page.waitForFunction(() => /On hold/.test(document.querySelector(".state")?.textContent));
    await page.click('[data-action="hold"]');
    await flows(page);
    await page.context().close();
    await phone.context().close();
  },

  async "a call that rings, rings on after a reload"(gateway) {
    const caller = await open(gateway, { as: "carol" });
    const page = await open(gateway, { as: "alice" });
    await page.waitForSelector('#dot[data-state="connected"]');
    await caller.evaluate(() => window.crosspoint.call("user:alice"));
    await state(page, "incoming");
    await page.waitForTimeout(800);
    await page.reload();
    await state(page, "incoming");
    await page.click('[data-action="answer"]');
    await sound(page);
    await flows(page);
    await caller.context().close();
    await page.context().close();
  },

  async "a duplicated tab is a session of its own"(gateway) {
    const page = await open(gateway);
    await page.waitForSelector('#dot[data-state="connected"]');
    const sessions = gateway.sessions.size;
    const [twin] = await Promise.all([
      page.waitForEvent("popup"),
      page.evaluate(() => void window.open(location.href)), // Copies sessionStorage.
    ]);
    await twin.waitForSelector('#dot[data-state="connected"]');
    assert.equal(gateway.sessions.size, sessions + 1);
    assert.equal(await page.getAttribute("#dot", "data-state"), "connected");
    await page.context().close();
  },

  async "a gateway that wants a token gets one"() {
    const gateway = await start({ token: "secret" });
    const page = await open(gateway);
    await page.waitForSelector("#sign-in[open]");
    await shoot(page, "sign-in-wide");
    await page.fill("#token", "wrong");
    await page.click("#sign-in .primary");
    await page.waitForFunction(() =>
      /not accepted/.test(document.querySelector("#sign-in-why").textContent),
    );
    await page.fill("#token", "secret");
    await page.fill("#name", "Alice");
    await page.keyboard.press("Enter");
    await page.waitForSelector('#dot[data-state="connected"]');
    assert.equal(await page.textContent("#you-text"), "Alice");
    await page.context().close();
    gateway.close();
  },

  async "errors are said in words"(gateway) {
    const page = await open(gateway, { width: 360, height: 740 });
    await page.waitForSelector('#dot[data-state="connected"]');
    await page.fill("#to", "join:");
    await page.click("#call");
    assert.match(await page.textContent("#to-error"), /Add a word/);
    await page.fill("#to", "nobody");
    await page.click("#call");
    await page.waitForSelector("#past li");
    assert.match(await page.textContent("#past li"), /nobody at this address.*Check what/);
    await shoot(page, "error-360");
    await page.context().close();
  },

  async "the samples of README.md"(gateway) {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const blocks = (kind) =>
      [...readme.matchAll(/^```(\w+)\n([^]*?)^```/gm)]
        .filter(([, of]) => of === kind)
        .map(([, , text]) => text);
    const [phone, ...morePages] = blocks("html");
    const [script, ...moreScripts] = blocks("js");
    assert.deepEqual([...morePages, ...moreScripts], [], "samples that nobody runs");

    const alice = await sample(gateway, "alice", phone);
    const bob = await sample(gateway, "bob", phone);
    const says = (page, what) =>
      page.waitForFunction(
        (what) => document.getElementById("state").textContent.includes(what),
        what,
      );
    const hears = (page) =>
      page.waitForFunction(() => document.getElementById("sound").currentTime > 1);
    await alice.fill("#to", "user:bob");
    await alice.click("#dial");
    await says(alice, "user:bob: ringing");
    await says(bob, "sip:alice@crosspoint: incoming");
    await bob.click("#answer");
    await Promise.all([says(alice, "established"), hears(alice), hears(bob)]);
    await bob.reload();
    await Promise.all([says(bob, "established"), hears(bob)]);
    await bob.click("#end");
    await says(bob, "ended");
    await says(alice, "ended");

    const asked = await start({ token: "t1" });
    await sample(asked, "alice", `<script type="module">${script}</script>`);
    for (let tries = 0; asked.sessions.size === 0 && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(asked.sessions.size, 1, "it came in with its token");
    asked.close();
  },
};

/** A sample of README.md as a page of its own; it has its token from there, and this gateway. */
async function sample(gateway, as, html) {
  const socket = `${gateway.url.replace("http", "ws")}/ws`;
  gateway.pages["/sample"] = html.replaceAll("wss://gateway.example/ws", socket);
  gateway.pages["/my/token"] = "t1";
  const page = await open(gateway, { as });
  await page.goto(`${gateway.url}/sample`);
  return page;
}

async function start(options = {}) {
  const gateway = new MockGateway({ dist, ...options });
  gateway.url = `http://127.0.0.1:${await gateway.listen()}`;
  return gateway;
}

let failed = 0;
const only = process.env.ONLY;
for (const [name, run] of Object.entries(cases)) {
  if (only && !name.includes(only)) continue;
  const gateway = await start();
  problems.length = 0;
  try {
    await run(gateway);
    assert.deepEqual(problems, [], "the console has errors");
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}\n${problems.join("\n")}`);
  } finally {
    for (const context of browser.contexts()) await context.close();
    gateway.close();
  }
}
await browser.close();
process.exit(failed === 0 ? 0 : 1);
