// An application that hands its errors and traces to picket. Nothing here knows
// about picket but the DSN.
//
//     npm install @sentry/node
//     SENTRY_DSN=http://app@127.0.0.1:4690/1 node app.cjs

const Sentry = require("@sentry/node");

Sentry.init({
	dsn: process.env.SENTRY_DSN || "http://app@127.0.0.1:4690/1",
	// The daemon samples; the SDK need not.
	tracesSampleRate: 1.0,
});

async function main() {
	await Sentry.startSpan({ op: "task", name: "monthly figures" }, async () => {
		try {
			JSON.parse("{");
		} catch (e) {
			console.log("event", Sentry.captureException(e));
		}
	});
	await Sentry.close(2000);
}

main();
