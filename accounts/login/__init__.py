"""Who somebody is: passwords, second factors, passkeys, other providers, sessions and devices."""
