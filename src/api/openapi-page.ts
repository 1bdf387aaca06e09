/** The page that shows the OpenAPI document, and the script that starts its viewer. */

export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SlotBase API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/openapi/viewer.css">
<style>body { margin: 0; background: #fff }</style>
</head>
<body>
<main id="viewer"></main>
<noscript>This page needs JavaScript; the document itself is at <a href="/openapi/json">/openapi/json</a>.</noscript>
<script src="/openapi/viewer.js"></script>
<script src="/openapi/start.js"></script>
</body>
</html>
`

export const start = `SwaggerUIBundle({
  url: "/openapi/json",
  dom_id: "#viewer",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  tryItOutEnabled: true,
  validatorUrl: null,
})
`
