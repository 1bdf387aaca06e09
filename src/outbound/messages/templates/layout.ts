/** The two shapes of every mail, as Liquid: plain text, and HTML in which render.ts escapes each value. */

export const textLayout = `{{ greeting }}

{{ lead }}

{% for fact in facts %}{{ fact.label }}: {{ fact.value }}
{% endfor %}{% if action != "" %}
{{ action }}: {{ link }}
{% endif %}{% if note != "" %}
{{ note }}
{% endif %}
--{{ " " }}
{{ facility }} · sent with SlotBase
`

// Tables and inline styles, because mail clients know nothing newer.
// Images are left out on purpose: the mail fetches nothing. The only link is one that was asked for.
export const htmlLayout = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{{ subject }}</title>
</head>
<body style="margin:0;padding:0;background:#eef2f0;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#16241d">
<div style="display:none;max-height:0;overflow:hidden">{{ short }}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#eef2f0"><tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" style="width:100%;max-width:560px;background:#ffffff;border-radius:12px;overflow:hidden">
<tr><td style="background:#14532d;padding:18px 32px;font-size:15px;font-weight:600;color:#ffffff;word-break:break-word">{{ facility }}</td></tr>
<tr><td style="padding:28px 32px 8px">
<h1 style="margin:0 0 16px;font-size:23px;line-height:1.3;font-weight:700;word-break:break-word">{{ heading }}</h1>
<p style="margin:0 0 8px;font-size:16px;line-height:1.5">{{ greeting }}</p>
<p style="margin:0 0 20px;font-size:16px;line-height:1.5;word-break:break-word">{{ lead }}</p>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-top:1px solid #dde5e1">
{%- for fact in facts %}
<tr>
<td valign="top" width="104" style="padding:10px 12px 10px 0;border-bottom:1px solid #dde5e1;font-size:14px;line-height:1.5;color:#5b6b63">{{ fact.label }}</td>
<td valign="top" style="padding:10px 0;border-bottom:1px solid #dde5e1;font-size:15px;line-height:1.45;word-break:break-word">{{ fact.value }}</td>
</tr>
{%- endfor %}
</table>
{%- if action != "" %}
<p style="margin:20px 0 0"><a href="{{ link }}" style="display:inline-block;padding:12px 20px;border-radius:8px;background:#14532d;color:#ffffff;font-size:15px;font-weight:600;text-decoration:none">{{ action }}</a></p>
{%- endif %}
{%- if note != "" %}
<p style="margin:20px 0 0;font-size:15px;line-height:1.5;color:#3c4a43">{{ note }}</p>
{%- endif %}
</td></tr>
<tr><td style="padding:20px 32px 26px;font-size:13px;line-height:1.5;color:#7a8a82">{{ facility }} · sent with SlotBase</td></tr>
</table>
</td></tr></table>
</body>
</html>
`
