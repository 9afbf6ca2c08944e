/* SPDX-License-Identifier: MIT */
/* version.c: the library's version, and errors in words. */
#include <hail/version.h>

#include <limits.h>
#include <string.h>

const char *hail_version(void)
{
	return HAIL_VERSION;
}

const char *hail_strerror(int error)
{
	const char *text = NULL;

	if (error < 0 && error != INT_MIN)
		error = -error;
	if (error >= 0)
		text = strerrordesc_np(error);
	return text ? text : "Unknown error";
}
